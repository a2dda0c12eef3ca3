"""Rule-free enclosures: they hold the truth, they are narrow, and they refuse what is not analytic."""

from __future__ import annotations

from typing import Any

import flint
import numpy as np
import pytest

from xcheck._errors import Undecidable
from xcheck.exact.balls import precision
from xcheck.exact.namespace import Array, Namespace
from xcheck.exact.probe import overlap
from xcheck.exact.rulefree import STENCILS, enclosure


def line(function: Any, point: float) -> Any:
    def phi(alg: Any, t: Any) -> np.ndarray:
        xp = Namespace(alg)
        return np.reshape(function(xp, Array(xp, np.asarray(alg.number(point) + t, dtype=object))).value, (1,))

    return phi


@pytest.mark.parametrize("order", STENCILS)
@pytest.mark.parametrize(
    ("function", "point", "truth"),
    [
        (lambda xp, x: x**4, 1.0, {1: 4, 2: 12, 3: 24, 4: 24}),
        (lambda xp, x: xp.exp(x), 0.0, {1: 1, 2: 1, 3: 1, 4: 1}),
        (lambda xp, x: xp.sin(x), 0.0, {1: 1, 2: 0, 3: -1, 4: 0}),
        (lambda xp, x: xp.tanh(x), 0.0, {1: 1, 2: 0, 3: -2, 4: 0}),
        (lambda xp, x: xp.log(x), 1.0, {1: 1, 2: -1, 3: 2, 4: -6}),
        (lambda xp, x: 1.0 / x, 1.0, {1: -1, 2: 2, 3: -6, 4: 24}),
        (lambda xp, x: xp.abs(x) * x, -1.0, {1: 2, 2: -2, 3: 0, 4: 0}),
    ],
    ids=["power", "exp", "sin", "tanh", "log", "reciprocal", "abs"],
)
def test_it_encloses_known_derivatives(function: Any, point: float, truth: dict[int, int], order: int) -> None:
    (found,) = enclosure(line(function, point), order)
    assert found.contains(truth[order])
    assert float(found.rad()) < 1e-45


def test_it_is_no_wider_on_a_smaller_disc() -> None:
    """A kink 2^-30 away: the first disc straddles it, the next does not."""
    (found,) = enclosure(line(lambda xp, x: xp.abs(x), 2.0**-30), 1)
    assert found.contains(1)
    assert float(found.rad()) < 1e-45


@pytest.mark.parametrize(
    "function",
    [lambda xp, x: xp.abs(x), lambda xp, x: xp.sqrt(x), lambda xp, x: xp.nn.relu(x), lambda xp, x: 1.0 / x],
    ids=["abs", "sqrt", "relu", "reciprocal"],
)
def test_it_refuses_what_is_not_analytic(function: Any) -> None:
    with pytest.raises(Undecidable):
        enclosure(line(function, 0.0), 1)


@pytest.mark.parametrize("centre", [0.0, 1.0])
def test_a_wide_enclosure_proves_nothing(centre: float) -> None:
    def wide(alg: Any, t: Any) -> np.ndarray:
        return np.array([alg.number(flint.arb(centre, 2.0**-30)) + t], dtype=object)

    with pytest.raises(Undecidable, match="too wide to prove anything"):
        enclosure(wide, 1)


def test_what_is_not_finite_proves_nothing_and_hides_no_contradiction() -> None:
    one, two = (np.array([flint.arb(k)], dtype=object) for k in (1, 2))
    assert overlap([(one, one)]) == []
    nothing = (one, np.array([flint.arb("nan")], dtype=object))
    with pytest.raises(Undecidable, match="check 1: nan proves nothing"):
        overlap([(one, one), nothing])
    assert len(overlap([nothing, (one, two)])) == 1


def test_a_claim_that_is_apart_is_named() -> None:
    with precision(128):
        claimed = np.array([flint.arb(1), flint.arb(1) + flint.arb(2) ** -90], dtype=object)
        faults = overlap([(claimed, np.array([flint.arb(1), flint.arb(1)], dtype=object))])
    assert faults[0].startswith("check 0: 1 of 2 entries, the first at 1")
