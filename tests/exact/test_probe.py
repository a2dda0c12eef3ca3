"""Probes look where it matters: across examples, across arguments, at every quantity."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

import xcheck
from xcheck import Case, Normal
from xcheck._errors import NoReference
from xcheck.exact.balls import Balls, precision
from xcheck.exact.derivatives import Derivatives, examples
from xcheck.exact.probe import Probe, overlap
from xcheck.program import mse
from xcheck.quantities import load_quantities

Q = load_quantities()


def guarded(case: Case, quantity: str, change: Any = None) -> list[str]:
    """The faults of a claim, after a change to one of its leaves."""
    with precision(128):
        claimed: dict[str, Any] = dict(Q[quantity].reference(Derivatives(case, Balls())))
        for path, leaf in claimed.items():
            claimed[path] = leaf.copy() if change is None else change(leaf.copy())
    with precision(256):
        return overlap(Q[quantity].guard(Probe(case), claimed))


def centred(xp: Any, params: Mapping[str, Any], inputs: Mapping[str, Any]) -> Any:
    """Every output depends on every example, as in batch normalisation."""
    z = xp.tanh(inputs["x"] * params["w"])
    return z - xp.mean(z, axis=0, keepdims=True)


CENTRED = Case(
    name="centred",
    program=centred,
    params={"w": Normal((2,), seed=1)},
    inputs={"x": Normal((3, 2), seed=2)},
    targets=Normal((3, 2), seed=3),
    loss=mse(),
)


@pytest.mark.parametrize("quantity", ["jacobian_inputs", "hessian_inputs"])
def test_per_example_quantities_of_a_program_that_mixes_examples_are_refused(quantity: str, monkeypatch) -> None:
    """The whole-batch Jacobian is the only one that such a program has, and the guard knows it too."""
    with pytest.raises(NoReference, match="outputs depend on several examples of 'x'; ask for jacobian_batch"):
        guarded(CENTRED, quantity)
    assert guarded(CENTRED, "jacobian_batch") == []
    monkeypatch.setattr(examples, "_mixing", lambda case, dtype: None)
    assert guarded(CENTRED, quantity) != []


@pytest.mark.parametrize("quantity", ["jacobian_params", "per_example_gradients", "hvp", "ggn", "empirical_fisher"])
def test_what_it_has_by_its_parameters_is_right(quantity: str) -> None:
    assert guarded(CENTRED, quantity) == []


def swapped(leaf: Any) -> Any:
    flat = leaf.reshape(-1)
    flat[[0, -1]] = flat[[-1, 0]]
    return leaf


def shifted(leaf: Any) -> Any:
    flat = leaf.reshape(-1)
    flat[0] = flat[0] + 2.0**-90
    return leaf


#: Kronecker factors are those of linear layers, which this case has not: see tests/test_kfac_factors.py.
ELSEWHERE = ("hessian_inputs", "jacobian_inputs", "jacobian_aux", "kfac_factors")
DENSE = [name for name in Q if name not in ELSEWHERE]


SCALARS = ("hessian_trace", "third_derivative", "fourth_derivative")


@pytest.mark.parametrize(
    ("quantity", "change"),
    [(q, change) for q in DENSE for change in (swapped, shifted) if change is shifted or q not in SCALARS],
)
def test_one_wrong_entry_is_caught(quantity: str, change: Any) -> None:
    assert guarded(CENTRED, quantity) == []
    assert guarded(CENTRED, quantity, change) != []


def two_outputs(xp: Any, params: Mapping[str, Any], inputs: Mapping[str, Any]) -> dict[str, Any]:
    z = xp.tanh(inputs["x"] * params["w"])
    return {"first": z, "second": xp.sin(z)}


@pytest.mark.parametrize("quantity", ["third_derivative", "fourth_derivative"])
@pytest.mark.parametrize("several", [False, True])
def test_without_a_loss_every_output_is_probed(quantity: str, several: bool) -> None:
    case = Case(
        name="without_a_loss",
        program=two_outputs if several else lambda *arguments: two_outputs(*arguments)["first"],
        params={"w": Normal((2,), seed=1)},
        inputs={"x": Normal((3, 2), seed=2)},
    )
    with precision(128):
        claimed = dict(Q[quantity].reference(Derivatives(case, Balls())))
    assert list(claimed) == (["first", "second"] if several else [""])
    with precision(256):
        assert overlap(Q[quantity].guard(Probe(case), claimed)) == []
        for path, leaf in claimed.items():
            assert overlap(Q[quantity].guard(Probe(case), {**claimed, path: shifted(leaf.copy())})) != []


def test_several_outputs_and_arguments_are_each_probed() -> None:
    case = xcheck.load_cases()["td_error"]
    with precision(128):
        claimed = dict(Q["jacobian_inputs"].reference(Derivatives(case, Balls())))
    assert len(claimed) == 6
    with precision(256):
        for path in claimed:
            wrong = dict(claimed)
            wrong[path] = Balls().neg(claimed[path])
            faults = overlap(Probe(case).jacobian(wrong, "inputs"))
            assert len(faults) == 1
    assert np.shape(claimed["td_err_1/states"]) == (64, 1, 32)
