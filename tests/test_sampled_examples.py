"""A quantity of some examples only: whoever computes it returns all, and is judged where there is a reference."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import xcheck
from xcheck import CaseError, Outcome
from xcheck._address import address
from xcheck.quantities import load_quantities

WHOLE = xcheck.load_cases()["tanh_layer"]
SOME = replace(WHOLE, name="tanh_layer_some", sampled={"hessian_inputs": (0, 3)})


@pytest.fixture
def H() -> np.ndarray:
    return xcheck.reference(WHOLE, "hessian_inputs").value.copy()


def test_its_reference_is_that_of_the_examples(H: np.ndarray) -> None:
    found = xcheck.reference(SOME, "hessian_inputs")
    assert found.examples == (0, 3)
    assert found.value.shape == (2, *H.shape[1:])
    assert xcheck.check(H, SOME, "hessian_inputs", dtype="float64")


@pytest.mark.parametrize("example", [0, 3])
def test_a_wrong_example_is_found(example: int, H: np.ndarray) -> None:
    H[example, 5, 1, 2] *= 1.001
    verdict = xcheck.judge(H, SOME, "hessian_inputs", dtype="float64")
    assert verdict.outcome is Outcome.DISAGREES


def test_all_examples_must_be_returned(H: np.ndarray) -> None:
    verdict = xcheck.judge(H[[0, 3]], SOME, "hessian_inputs", dtype="float64")
    assert verdict.outcome is Outcome.WRONG_SHAPE
    assert "expected (5, 16, 16, 16)" in verdict.text


def test_which_examples_there_are_is_part_of_the_address() -> None:
    hessian = load_quantities()["hessian_inputs"]
    cases = [SOME, *(replace(SOME, sampled={"hessian_inputs": rows}) for rows in ((0,), (0, 4), (0, 1, 2, 3, 4)))]
    addresses = {address(case, hessian, "float64") for case in [*cases, replace(SOME, sampled={})]}
    assert len(addresses) == 5


@pytest.mark.parametrize("quantity", ["vjp", "jvp", "value"])
def test_what_a_part_of_the_examples_would_change_cannot_be_sampled(quantity: str) -> None:
    case = replace(WHOLE, sampled={quantity: (0,)})
    with pytest.raises(CaseError, match=f"sampled names {quantity}, which is not made example by example"):
        xcheck.reference(case, quantity)
