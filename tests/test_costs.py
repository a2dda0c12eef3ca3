"""The least FLOPs and bytes of every quantity, against a count by hand: they say how far a result is from the machine.

A linear layer from 5 inputs to 2 outputs has p = 12; with n = 3 examples a forward pass multiplies and adds each
parameter for each example: 2 n p = 72 FLOPs. Numbers have 4 bytes.
"""

from __future__ import annotations

import pytest

from xcheck.quantities import load_quantities
from xcheck.quantity import Sizes

SIZES = Sizes(n=3, c=2, d=5, p=12, itemsize=4)
FORWARD = 72

#: FLOPs, and the numbers that must be read or written.
BY_HAND = {
    "value": (FORWARD, 12 + 6),
    # A backward pass costs as much as the forward one at least; theta is read, the result written.
    "gradient": (2 * FORWARD, 12 + 12),
    "per_example_gradients": (2 * FORWARD, 12 + 3 * 12),
    # One product with a vector: the value and its derivative.
    "jvp": (2 * FORWARD, 12 + 12 + 6),
    "vjp": (2 * FORWARD, 12 + 6 + 12),
    # Forward and its tangent, backward: three passes; and for the Hessian the tangent of the backward pass too.
    "ggnvp": (3 * FORWARD, 12 + 12 + 12),
    "hvp": (4 * FORWARD, 12 + 12 + 12),
    # Each entry at least once: 3 * 2 * 12, and 3 * 2 * 5 by inputs; a batch has them for every pair of examples.
    "jacobian_params": (FORWARD, 72),
    "jacobian_inputs": (30, 30),
    "jacobian_aux": (30, 30),
    "jacobian_batch": (30, 90),
    # A symmetric matrix has 12 * 13 / 2 entries of its own, and is written whole.
    "hessian_params": (78, 144),
    "ggn": (78, 144),
    "empirical_fisher": (78, 144),
    "hessian_inputs": (3 * 2 * 15, 3 * 2 * 25),
    # Blocks may be as small as their diagonals.
    "hessian_blocks": (12, 12),
    "ggn_blocks": (12, 12),
    "hessian_diagonal": (2 * FORWARD, 12 + 12),
    "hessian_trace": (2 * FORWARD, 12),
    "ggn_diagonal": (FORWARD, 12 + 12),
    "ggn_diagonal_backprop": (FORWARD, 12 + 12),
    "empirical_fisher_diagonal": (2 * FORWARD, 12 + 12),
    "kfac_factors": (2 * FORWARD, 12),
    "third_derivative": (2 * FORWARD, 12 + 12),
    "fourth_derivative": (2 * FORWARD, 12 + 12),
}


@pytest.mark.parametrize("name", list(load_quantities()))
def test_the_least_is_what_was_counted_by_hand(name: str) -> None:
    quantity = load_quantities()[name]
    flops, numbers = BY_HAND[name]
    assert quantity.flops(SIZES) == flops
    assert quantity.bytes(SIZES) == 4 * numbers


def test_every_count_is_of_a_quantity() -> None:
    assert set(BY_HAND) == set(load_quantities())
