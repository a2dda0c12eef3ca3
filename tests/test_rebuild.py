"""References made again agree with what is stored, and one that was tampered with does not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import xcheck
from xcheck import _rebuild, _store
from xcheck._errors import StoreError, UsageError
from xcheck._export import export
from xcheck._reference import stored
from xcheck.cli import main
from xcheck.exact.certify import Certified
from xcheck.quantities import load_quantities

CASE = xcheck.load_cases()["linear_gaussian_3_2"]
GRADIENT = load_quantities()["gradient"]


def test_stored_references_are_made_again() -> None:
    assert _rebuild.rebuild(CASE, GRADIENT) is None


@pytest.mark.parametrize("part", ["value", "low", "scale"])
def test_a_changed_reference_is_noticed(part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = stored(CASE, GRADIENT)
    assert path is not None
    label, leaves = _store.read(path)
    whole = leaves[""]
    parts = {name: getattr(whole, name).copy() for name in ("value", "low", "radius", "scale")}
    # One unit in the last of 100 bits; a scale that is four times too large.
    parts[part][0] = parts["scale"][0] * 4 if part == "scale" else parts[part][0] + abs(parts["value"][0]) * 2.0**-52
    monkeypatch.setattr(_rebuild, "beside", lambda case: tmp_path)
    changed = _store.write(tmp_path, label, {"": Certified(**parts)})
    told = "the scale of 1 entries is not of the size of" if part == "scale" else "1 entries do not overlap"
    assert _rebuild.rebuild(CASE, GRADIENT) == f"linear_gaussian_3_2/gradient: {told} what is made again"
    assert list(tmp_path.iterdir()) == [changed]


@pytest.mark.parametrize("right", [True, False])
def test_a_reference_of_older_rules_gives_way_to_one_that_agrees(right, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(_rebuild, "beside", lambda case: tmp_path)
    path = stored(CASE, GRADIENT)
    assert path is not None
    label, leaves = _store.read(path)
    value = leaves[""].value if right else -leaves[""].value
    old = _store.write(tmp_path, replace(label, address="0" * 64), {"": replace(leaves[""], value=value)})
    fault = _rebuild.rebuild(CASE, GRADIENT)
    assert (fault is None) == right
    assert [file.name for file in tmp_path.iterdir()] == [path.name if right else old.name]


def test_a_reference_in_the_cache_is_stored_beside_the_case_all_the_same(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(_rebuild, "beside", lambda case: tmp_path)
    assert stored(CASE, GRADIENT) is not None
    assert _rebuild.rebuild(CASE, GRADIENT) is None
    assert len(list(tmp_path.iterdir())) == 1


def test_a_case_of_ones_own_gets_values_and_references_beside_it(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    (tmp_path / "mine.py").write_text("""
from xcheck import Case, Normal
def program(xp, params, inputs):
    return xp.tanh(params["w"] * inputs["x"])
mine = Case(name="mine", program=program, params={"w": Normal((1,), 1)}, inputs={"x": Normal((4, 1), 2)},
            quantities=("value", "jacobian_params"))
""")
    arguments = ["reference", "mine", "--rebuild", "--cases", str(tmp_path), "-j", "1"]
    assert main(arguments) == 0
    assert len(list((tmp_path / "values").glob("*.npy"))) == 2
    assert len(list((tmp_path / "references").iterdir())) == 2
    said = capsys.readouterr().out
    assert "mine/value: made and stored" in said
    assert "2 references made, 0 made again, 0 do not agree" in said
    assert main(arguments) == 0
    said = capsys.readouterr().out
    assert "mine/value: agrees with what is stored" in said
    assert "0 references made, 2 made again, 0 do not agree" in said


def test_export_is_lossless(tmp_path: Path) -> None:
    truth = xcheck.reference("td_error_aux", "jacobian_aux", dtype="float32")
    export(truth, tmp_path / "a.npz")
    export(truth, tmp_path / "a.json")
    leaves = json.loads((tmp_path / "a.json").read_text())["leaves"]
    with np.load(tmp_path / "a.npz") as archive:
        assert json.loads(str(archive["about"]))["case"] == "td_error_aux"
        for path, leaf in truth.leaves.items():
            for part in ("value", "low", "radius", "scale"):
                assert np.array_equal(archive[f"{part}/{path}"], getattr(leaf, part))
                assert np.array_equal(np.array(leaves[path][part]), getattr(leaf, part))


def test_bad_exports_are_one_clear_line(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    truth = xcheck.reference(CASE, GRADIENT)
    with pytest.raises(UsageError, match=r"'a\.txt': expected a name that ends in \.npz or \.json"):
        export(truth, tmp_path / "a.txt")
    with pytest.raises(StoreError, match="cannot write"):
        export(truth, tmp_path / "missing" / "a.npz")
    assert main(["reference", "linear*", "-o", str(tmp_path / "a.npz")]) == 2
    assert "exports one reference, and" in capsys.readouterr().err
