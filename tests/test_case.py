"""Cases: what they hold, and the one line that a broken one gets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import xcheck
from xcheck import Case, CaseError, Literal, Normal
from xcheck.program import Linear, mse

GOOD = {
    "name": "small",
    "program": Linear(2, 1),
    "params": {"weight": Literal(((1.0, 2.0),)), "bias": Literal((3.0,))},
    "inputs": {"x": Literal(((1.0, 1.0), (0.0, 2.0)))},
    "targets": Literal(((0.0,), (1.0,))),
    "loss": mse(),
    "quantities": ("value",),
}


def test_sizes() -> None:
    case = Case(**GOOD)
    assert (case.n, case.p, case.arguments, case.holds_in_float32) == (2, 3, ("x",), True)


def test_values_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="read-only"):
        Case(**GOOD).values().params["bias"][0] = 1.0


@pytest.mark.parametrize(
    ("field", "value", "line"),
    [
        ("name", "Small", r"case name 'Small' does not match"),
        ("params", {"weight": np.ones(3)}, "small: params must map names to descriptors"),
        ("inputs", [1, 2], "small: inputs must map names to descriptors"),
        ("targets", None, "loss and targets belong together"),
        ("wrt", ("y",), "wrt names 'y', but the inputs are x"),
        ("sampled", {"ggn": (0,)}, r"sampled\['ggn'\] is \(0,\); expected a quantity of the case"),
        ("sampled", {"value": (0, 2)}, "and some of its 2 examples in ascending order"),
        ("sampled", {"value": (1, 0)}, "in ascending order"),
        ("sampled", {"value": ()}, "in ascending order"),
        ("program", 3, r"program must be callable as program\(xp, params, inputs\)"),
    ],
)
def test_a_broken_case_is_one_clear_line(field: str, value: object, line: str) -> None:
    with pytest.raises(xcheck.UsageError, match=line) as raised:
        Case(**{**GOOD, field: value})
    assert "\n" not in str(raised.value)


def test_bfloat16_has_values_of_its_own() -> None:
    case = Case(**{**GOOD, "inputs": {"x": Normal((2, 2), seed=1)}})
    assert not np.array_equal(case.values("bfloat16").inputs["x"], case.values().inputs["x"])


def test_tangents_are_declared_or_drawn_and_checked() -> None:
    case = Case(**{**GOOD, "tangents": {"params": Literal((1.0, 2.0, 3.0))}})
    assert case.vector("params", (3,)).tolist() == [1.0, 2.0, 3.0]
    assert case.vector("x", (2, 2)).shape == (2, 2)
    with pytest.raises(CaseError, match=r"tangent 'params' has shape \(3,\), expected \(4,\)"):
        case.vector("params", (4,))


def write(folder: Path, text: str) -> Path:
    (folder / "some_case.py").write_text(text)
    return folder


def test_a_case_file_is_all_that_a_case_needs(tmp_path: Path) -> None:
    text = """
from xcheck import Case, Literal
def program(xp, params, inputs):
    return xp.tanh(params["w"] * inputs["x"])
mine = Case(name="mine", program=program, params={"w": Literal(2.0)}, inputs={"x": Literal(((1.0,),))})
"""
    assert list(xcheck.load_cases(write(tmp_path, text))) == ["mine"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("def f(:", r"cannot be executed: SyntaxError"),
        ("1 / 0", r"cannot be executed: ZeroDivisionError"),
        ("x = 1", r"declares no case; assign at least one xcheck\.Case"),
        ("from xcheck import Case\nc = Case(name='A b', program=len, params={}, inputs={})", "case name 'A b'"),
    ],
)
def test_a_broken_case_file_is_one_clear_line(tmp_path: Path, text: str, line: str) -> None:
    with pytest.raises(CaseError, match=line) as raised:
        xcheck.load_cases(write(tmp_path, text))
    assert "some_case.py" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_folders_without_cases(tmp_path: Path) -> None:
    with pytest.raises(CaseError, match="no file or folder"):
        xcheck.load_cases(tmp_path / "missing")
    with pytest.raises(CaseError, match="holds no case file"):
        xcheck.load_cases(tmp_path)
