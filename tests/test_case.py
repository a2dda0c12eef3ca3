"""Cases: what they hold, and the one line that a broken one gets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import xcheck
from xcheck import Case, CaseError, Computed, Literal, LogNormal, Normal
from xcheck.exact.certify import certify
from xcheck.program import Linear, mse
from xcheck.quantities import load_quantities

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
        ("program", Linear, "program must be callable"),
        ("name", None, "case name None"),
        ("params", None, "small: params must map names to descriptors"),
        ("params", {1: Literal(1.0)}, "params must map names"),
        ("params", {"": Literal(1.0)}, "params must map names"),
        ("params", {"w": Literal((1, 2))}, "params 'w' holds integers, which have no derivative"),
        ("params", {"w": Literal((1.0, float("nan")))}, r"params 'w' is nan at \[1\]; data must be finite"),
        ("params", {"w": Literal(((1.0, 1e300),))}, r"params 'w' is inf at \[0, 1\]"),
        ("params", {"w": Literal(())}, r"params 'w' has shape \(0,\), and so no entries"),
        ("inputs", {}, "inputs is empty"),
        ("inputs", {"x": 1.0}, "inputs must map names"),
        ("inputs", {"x": Literal(1.0)}, "inputs 'x' is a number; its first axis is the batch"),
        ("inputs", {"x": Literal(((1.0, float("-inf")),))}, r"inputs 'x' is -inf at \[0, 1\]"),
        ("tangents", {"x": (1.0, 2.0)}, "tangents must map names"),
        ("tangents", None, "tangents must map names"),
        ("targets", ((0.0,), (1.0,)), "targets is of type tuple, expected a descriptor"),
        ("targets", Literal(((float("nan"),), (1.0,))), r"small: targets is nan at \[0, 0\]"),
        ("loss", "mse", r"loss is of type str, expected one of xcheck\.program\.losses"),
        ("loss", mse, "loss is of type function"),
        ("loss", None, "loss and targets belong together"),
        ("wrt", None, "wrt is of type NoneType"),
        ("wrt", (), "wrt names no input"),
        ("wrt", "y", "wrt names 'y', but the inputs are x"),
        ("wrt", ("x", "x"), "expected names, each once"),
        ("wrt", (1,), "expected names, each once"),
        ("quantities", "value", "quantities is of type str, expected a tuple of names"),
        ("quantities", ("value", "value"), "expected names, each once"),
        ("quantities", (None,), "expected names, each once"),
        ("native", {"numpy": len}, r'native maps \'numpy\', expected "torch" and "jax" to functions'),
        ("native", {"torch": 3}, "native maps 'torch'"),
        ("native", None, "native is of type NoneType"),
        ("kinks", 1, "kinks is of type int, expected True or False"),
        ("since", 0.1, "since is of type float"),
        ("doc", None, "doc is of type NoneType"),
        ("tier", 1, "tier is of type int"),
        ("folder", "cases", r"folder is of type str, expected a pathlib\.Path"),
    ],
)
def test_a_broken_case_is_one_clear_line(field: str, value: object, line: str) -> None:
    with pytest.raises(xcheck.UsageError, match=line) as raised:
        Case(**{**GOOD, field: value})
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"inputs": {"x": Normal((2, 2), 1), "y": Normal((3, 2), 1)}}, "'x' has 2 examples and 'y' has 3"),
        ({"inputs": {"x": Normal((3, 2), 1)}}, "'x' has 3 examples and 'targets' has 2"),
        ({"inputs": {"x": Normal((0, 2), 1)}}, r"inputs 'x' has shape \(0, 2\), and so no entries"),
        ({"inputs": {"x": Normal((), 1)}}, "inputs 'x' is a number"),
        ({"inputs": {"x": LogNormal((2, 2), 1, mean=90.0)}}, r"inputs 'x' is inf at \[0, 0\]"),
        ({"params": {"w": Computed("nan", lambda: np.array([0.0, np.nan]))}}, r"params 'w' is nan at \[1\]"),
        ({"params": {"w": Computed("whole", lambda: np.array([1, 2]))}}, "params 'w' holds integers"),
        ({"params": {"w": Computed("complex", lambda: np.array([1j]))}}, "values of dtype complex128"),
        ({"params": {"w": Computed("text", lambda: np.array(["1"]))}}, "values of dtype <U1"),
        ({"params": {"w": Computed("none", lambda: None)}}, "values of dtype object"),
        ({"wrt": "x", "inputs": {"x": Literal(((1, 1), (0, 2)))}}, "whose integers have no derivative"),
    ],
)
def test_broken_values_are_one_clear_line(fields: dict[str, object], line: str) -> None:
    with pytest.raises(CaseError, match=line) as raised:
        Case(**{**GOOD, **fields}).values()
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        (
            {"tangents": {"y": Literal((1.0,))}},
            "tangents has 'y', which is neither params, nor an input, nor an output",
        ),
        ({"targets": Literal((0.0, 1.0))}, r"targets of shape \(2,\) do not fit outputs of shape \(2, 1\)"),
        ({"program": lambda xp, params, inputs: params["v"]}, "the program raised KeyError: 'v'"),
        ({"program": lambda xp, params: params["v"]}, "the program raised TypeError: .*takes 2 positional arguments"),
        ({"program": lambda xp, params, inputs: xp.sum(inputs["x"])}, r"output 'output' has shape \(\)"),
        ({"program": lambda xp, params, inputs: None}, "small: a program returned output of type NoneType"),
        ({"program": lambda xp, params, inputs: inputs["x"] > 0}, "output 'output' is a Condition"),
        ({"program": lambda xp, params, inputs: np.tanh(inputs["x"])}, r"no numpy\.tanh: write xp\.tanh"),
    ],
)
def test_a_broken_program_is_one_clear_line(fields: dict[str, object], line: str) -> None:
    with pytest.raises(xcheck.XCheckError, match=line) as raised:
        certify(Case(**{**GOOD, **fields}), [load_quantities()["gradient"]])
    assert "\n" not in str(raised.value)


def test_an_unknown_quantity_of_a_case_is_named() -> None:
    with pytest.raises(xcheck.UsageError, match="unknown quantity 'gradiant'; did you mean 'gradient'"):
        xcheck.reference(Case(**{**GOOD, "quantities": ("gradiant",)}), "gradiant")


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
