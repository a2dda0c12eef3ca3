"""Problems out and answers in: right and wrong answers, both formats, and every bad file."""

from __future__ import annotations

import json

import numpy as np
import pytest

import xcheck
from xcheck._errors import StoreError, UsageError
from xcheck.cli import main
from xcheck.run.exchange import judge_answers

CASE = "linear_gaussian_3_2"


@pytest.fixture
def folder(tmp_path):
    assert main(["export", str(tmp_path), "--case", f"{CASE},td_error_states_actions"]) == 0
    return tmp_path


def gradient(values):
    """By hand: residual^T [x, 1] / noise_var, as a library in any language computes it."""
    residual = values["inputs/x"] @ values["params/weight"].T + values["params/bias"] - values["targets"]
    return np.concatenate([(residual.T @ values["inputs/x"]).ravel(), residual.sum(0)]) / 0.25


def test_an_answer_computed_from_the_files_alone_agrees(folder):
    about = json.loads((folder / CASE / "problem.json").read_text())
    assert about["loss"].startswith("GaussianNLL")
    assert "noise_var=0.25" in about["loss"]
    assert about["quantities"]["gradient"]["axes"] == ["p"]
    with np.load(folder / CASE / "values.npz") as values:
        answer = gradient(values)
    np.savez(folder / CASE / "gradient.float64.npz", result=answer)
    (folder / CASE / "gradient.float32.json").write_text(json.dumps({"result": answer.tolist()}))
    results = judge_answers(folder)
    assert [str(result.outcome) for result in results] == ["agrees", "agrees"]


def test_a_wrong_answer_is_explained_and_a_convention_is_held_to(folder, capsys):
    with np.load(folder / CASE / "values.npz") as values:
        np.savez(folder / CASE / "gradient.float64.npz", result=2 * gradient(values))
    assert main(["judge", str(folder)]) == 1
    assert "equals 2 x the reference" in " ".join(capsys.readouterr().out.split())
    (folder / "convention.json").write_text('{"scale": "2"}')
    assert main(["judge", str(folder)]) == 0


def test_a_tree_has_one_array_for_each_path(folder):
    name = "td_error_states_actions"
    truth = xcheck.reference(name, "jacobian_inputs").value
    np.savez(folder / name / "jacobian_inputs.float64.npz", **truth)
    (result,) = judge_answers(folder)
    assert result.outcome == "agrees"


def test_json_holds_the_same_numbers(tmp_path, folder):
    assert main(["export", str(tmp_path / "j"), "--case", CASE, "--json"]) == 0
    lists = json.loads((tmp_path / "j" / CASE / "values.json").read_text())
    with np.load(folder / CASE / "values.npz") as values:
        assert all(np.array_equal(np.array(lists[name]), values[name]) for name in values.files)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("linear_gausian/gradient.float64.json", "did you mean 'linear_gaussian'"),
        (f"{CASE}/gradent.float64.json", "did you mean 'gradient'"),
        (f"{CASE}/gradient.float46.json", "did you mean 'float64'"),
    ],
)
def test_a_wrong_name_gets_its_line(folder, name, said):
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text('{"result": [1.0]}')
    with pytest.raises(UsageError, match=said):
        judge_answers(folder)


def test_bad_files_get_their_line(folder):
    with pytest.raises(UsageError, match="holds no answer"):
        judge_answers(folder)
    with pytest.raises(UsageError, match="no folder"):
        judge_answers(folder / "nowhere")
    (folder / CASE / "gradient.float64.npz").write_bytes(b"PK damaged")
    with pytest.raises(StoreError, match="is no npz file of arrays"):
        judge_answers(folder)
    (folder / CASE / "gradient.float64.npz").unlink()
    (folder / CASE / "gradient.float64.json").write_text('{"result": [1.0]}')
    (result,) = judge_answers(folder)
    assert result.outcome == "wrong_shape"
    (folder / "convention.json").write_text('{"scale": 2}')
    with pytest.raises(UsageError, match="scale"):
        judge_answers(folder)
