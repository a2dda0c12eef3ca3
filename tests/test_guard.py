"""The guard: a case that xcheck reads otherwise than the frameworks run it has no reference, whatever was misread."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import xcheck
from xcheck import Case, Literal, Mismatch, NoReference, Normal, Outcome, _guard
from xcheck.program import MSE, mse

Program = Callable[[Any, Any, Any], Any]


def plain(xp: Any, params: Any, inputs: Any) -> Any:
    return {"y": xp.tanh(params["w"] * inputs["x"])}, {"a": xp.sin(inputs["x"])}


CASE = Case(
    name="guarded",
    program=plain,
    params={"w": Literal((0.5, 2.0))},
    inputs={"x": Normal((3, 2), seed=1)},
    targets=Normal((3, 2), seed=2),
    loss=mse(),
    quantities=("value", "gradient", "jacobian_params"),
)


def misread(xp: Any) -> bool:
    """Stands for any Python that the exact arithmetic takes for something else."""
    return hasattr(xp, "alg")


class Misread(MSE):
    """A loss that xcheck reads as twice what it is."""

    def per_example(self, xp: Any, output: Any, targets: Any) -> Any:
        found = super().per_example(xp, output, targets)
        return found * 2.0 if misread(xp) else found


def changed(change: Callable[[Any, Any, Any], tuple[Any, Any]]) -> dict[str, Any]:
    def program(xp: Any, params: Any, inputs: Any) -> Any:
        outputs, aux = plain(xp, params, inputs)
        return change(xp, outputs["y"], aux["a"]) if misread(xp) else (outputs, aux)

    return {"program": program}


WITHOUT_LOSS = {"loss": None, "targets": None}
MISREAD: dict[str, tuple[dict[str, Any], str]] = {
    "value": (
        changed(lambda xp, y, a: ({"y": y * (1 + 2.0**-40)}, {"a": a})),
        r"\[\d, \d\] is .* in torch, .* in exact",
    ),
    "sign": (changed(lambda xp, y, a: ({"y": -y}, {"a": a})), "in exact arithmetic"),
    "shape": (
        WITHOUT_LOSS | changed(lambda xp, y, a: ({"y": y.T}, {"a": a})),
        r"has shape \(3, 2\) in torch, \(2, 3\) in exact",
    ),
    "name": (
        changed(lambda xp, y, a: ({"y": y, "z": y}, {"a": a})),
        "torch returns , aux/a, loss, the exact arithmetic",
    ),
    "aux": (changed(lambda xp, y, a: ({"y": y}, {"a": a * 2.0})), r"aux/a\[\d, \d\] is"),
    "no aux": (changed(lambda xp, y, a: ({"y": y}, {})), "torch returns , aux/a, loss"),
    "loss": ({"loss": Misread()}, r"loss\[\] is"),
}


@pytest.mark.parametrize("what", MISREAD)
def test_what_is_misread_has_no_reference(what: str) -> None:
    change, told = MISREAD[what]
    case = replace(CASE, **change)
    with pytest.raises(NoReference, match=told) as caught:
        xcheck.reference(case, "jacobian_params")
    assert "\n" not in str(caught.value)
    verdict = xcheck.judge(np.zeros((3, 2, 2)), case, "jacobian_params", dtype="float64")
    assert verdict.outcome is Outcome.NO_REFERENCE
    with pytest.raises(NoReference, match="does not read the program as it is run"):
        xcheck.check("not even an array", case, "jacobian_params", dtype="float64")


def test_a_right_reading_passes_and_is_compared_once(monkeypatch: pytest.MonkeyPatch) -> None:
    case, asked = replace(CASE), []
    native = _guard.native
    monkeypatch.setattr(_guard, "native", lambda case, framework: asked.append(framework) or native(case, framework))
    for _ in range(3):
        assert xcheck.reference(case, "value").status == "certified"
    assert len(asked) == 1


def test_one_framework_that_agrees_is_enough() -> None:
    """The other may be the one that is wrong: its cells say so."""
    wrong = {"torch": lambda params, x: plain(__import__("array_api_compat.torch").torch, params, {"x": 2 * x})}
    case = replace(CASE, native=wrong)
    assert "in torch" in str(_guard.disagreement(case, "torch"))
    assert _guard.disagreement(case, "jax") is None
    assert _guard.guard(case)


def test_a_program_that_no_framework_can_run_has_no_reference() -> None:
    def program(xp: Any, params: Any, inputs: Any) -> Any:
        if not misread(xp):
            raise LookupError("only\nhere")
        return plain(xp, params, inputs)

    with pytest.raises(NoReference, match="raises LookupError on it: only here"):
        xcheck.reference(replace(CASE, program=program), "value")


def test_shipped_cases_are_read_as_they_are_run() -> None:
    for case in xcheck.load_cases().values():
        assert _guard.disagreement(case, "torch") is None, case.name


def test_a_case_made_of_a_shipped_one_is_none() -> None:
    shipped = xcheck.load_cases()["tanh_mlp"]
    other = replace(shipped, program=lambda xp, p, i: shipped.program(xp, p, i) * (2.0 if misread(xp) else 1.0))
    with pytest.raises(NoReference, match="does not read"):
        xcheck.reference(other, "gradient")


UNGUARDED = """
import sys
sys.modules["torch"] = sys.modules["jax"] = None
import xcheck
from xcheck import Case, Normal
case = Case(name="alone", program=lambda xp, p, i: xp.tanh(i["x"]), params={}, inputs={"x": Normal((2, 1), seed=1)})
print(xcheck.reference(case, "value").status, xcheck.reference("tanh_mlp", "value").status)
"""


def test_without_a_framework_the_status_says_so(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XCHECK_CACHE", str(tmp_path))
    ran = subprocess.run([sys.executable, "-c", UNGUARDED], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["unguarded", "certified"]


def test_what_cannot_be_judged_does_not_pass() -> None:
    """`check` returned None here, whatever it was given."""
    case = replace(CASE, name="unjudged", program=lambda xp, p, i: {"y": xp.undefined(i["x"])})
    for nonsense in ("not even an array", None, 1e9):
        with pytest.raises(NoReference):
            xcheck.check(nonsense, case, "jacobian_params", dtype="float64")
    kinked = xcheck.load_cases()["abs_at_kinks"]
    with pytest.raises(NoReference, match="name a framework"):
        xcheck.check(np.ones(3), kinked, "jacobian_inputs", dtype="float64")
    with pytest.raises(Mismatch):
        xcheck.check(np.ones(3), "tanh_mlp", "gradient", dtype="float64")
