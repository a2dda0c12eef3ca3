"""The float helpers of the rounding scale: as accurate as their exact twins, so that S is the rounding of an honest
algorithm and not their own error."""

from __future__ import annotations

import flint
import numpy as np
import pytest

from xcheck._judge import distance
from xcheck._reference import Leaf
from xcheck.exact import functions
from xcheck.exact.balls import FUNCTIONS as BALLS
from xcheck.exact.balls import Balls, precision
from xcheck.exact.monte_carlo import FUNCTIONS, NOISE, RUNS, MonteCarlo

ORDER = 4
SIZES = np.concatenate([np.logspace(-323, -300, 20), np.logspace(-300, -3, 60), np.logspace(-3, 2.9, 200)])
#: Sizes at which FLINT still has every bit; beyond them each of these functions is at its limit.
HUGE = np.logspace(3, 305, 60)
LIMITS = {
    "exp": (0.0, np.inf), "expm1": (-1.0, np.inf), "tanh": (-1.0, 1.0), "sigmoid": (0.0, 1.0), "erf": (-1.0, 1.0),
}  # fmt: skip
POSITIVE = ("log", "sqrt")
#: Where every algorithm in common use keeps its digits in every derivative. Elsewhere the rules cancel as frameworks
#: do: 1 - y^2 of tanh, y (1 - y) of sigmoid and y (1 - y) (1 - 2 y) near 0.
HONEST = {
    "exp": (-700, 700), "expm1": (-700, 700), "log": (1e-40, 1e40), "log1p": (-0.5, 700), "sqrt": (1e-40, 1e40),
    "reciprocal": (1e-40, 1e40), "sin": (0.3, 0.9), "cos": (0.3, 0.9), "sigmoid": (-700, -5), "softplus": (-700, -5),
    "tanh": (0.3, 0.5), "erf": (8, 26),
}  # fmt: skip


def off(name: str, x: float) -> float:
    """The error of a helper in units in the last place."""
    with precision(1600):
        truth = BALLS[name](flint.arb(x))
        with np.errstate(over="ignore", divide="ignore"):
            found = float(FUNCTIONS[name](np.array([x]))[0])
        nearest = float(truth.mid())
        if not np.isfinite(nearest):
            return 0.0 if found == nearest else np.inf
        return float(abs(truth - flint.arb(found)) / flint.arb(np.spacing(abs(nearest))))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_helper_is_within_4_units_of_the_last_place_of_its_ball(name: str) -> None:
    sizes = SIZES if name in LIMITS else np.concatenate([SIZES, HUGE])
    points = sizes if name in POSITIVE else np.concatenate([-sizes[::-1], sizes])
    if name == "log1p":
        points = np.concatenate([points[points > -1], np.logspace(-15, -1, 40) - 1])
    worst = max(points, key=lambda x: off(name, float(x)))
    assert off(name, float(worst)) <= 4, f"{name} at {worst}"


@pytest.mark.parametrize(("name", "limits"), LIMITS.items())
def test_a_helper_reaches_its_limits(name: str, limits: tuple[float, float]) -> None:
    for sign, limit in zip((-1.0, 1.0), limits, strict=True):
        with np.errstate(over="ignore"):
            assert set(FUNCTIONS[name](sign * HUGE).tolist()) == {limit}
    assert np.array_equal(FUNCTIONS["softplus"](HUGE), HUGE)
    assert not FUNCTIONS["softplus"](-HUGE).any()


def leaves(name: str, x: np.ndarray) -> tuple[list[np.ndarray], list[Leaf]]:
    """The Taylor coefficients in floats, and those in balls with the scale that Monte-Carlo arithmetic gives them."""
    clean = functions.series(MonteCarlo(noise=0.0), name, x, ORDER)
    runs = [functions.series(MonteCarlo(seed=k), name, x, ORDER) for k in range(RUNS)]
    with precision(3000):
        balls = Balls()
        exact = functions.series(balls, name, balls.constant(x), ORDER)
    found = []
    for k, coefficients in enumerate(exact):
        value = np.array([float(z.mid()) for z in coefficients])
        scale = np.hypot.reduce([run[k] - clean[k] for run in runs]) / RUNS**0.5 / NOISE
        found.append(Leaf(value, np.zeros_like(value), np.zeros_like(value), scale))
    return clean, found


@pytest.mark.parametrize("name", functions.RULES)
def test_derivatives_in_floats_are_within_few_units_of_their_scale(name: str) -> None:
    low = HONEST[name][0]
    sizes = np.array([1e-20, 1e-8, 1e-3, 0.25, 1, 2, 3.5, 8, 15, 20, 30, 40, 100, 300])
    points = np.concatenate([-sizes[::-1], sizes])
    points = points[points > (low if name in ("log", "sqrt", "log1p") else -np.inf)]
    for A, leaf in zip(*leaves(name, points), strict=True):
        within = distance(A, leaf, "float64")
        assert within.ratio <= 4, f"{name} at {points[within.index]}"


@pytest.mark.parametrize("name", HONEST)
def test_the_scale_is_that_of_an_honest_algorithm(name: str) -> None:
    low, high = HONEST[name]
    points = np.geomspace(low, high, 40) if low > 0 else np.linspace(low, high, 41)
    for leaf in leaves(name, points)[1]:
        fits = (leaf.value != 0) & (np.abs(leaf.value) < 1e300) & (np.abs(leaf.value) > 1e-300)
        assert fits.any()
        assert np.max(leaf.scale[fits] / np.abs(leaf.value[fits])) < 2000, "x^2 of exp(-x^2) at 26 is 676"


def test_the_slope_of_erf_carries_the_rounding_of_its_square() -> None:
    """Frameworks compute `exp(-x * x)`: at x = 7, half a unit of 49 is 49 half units of the result."""
    _, scaled = leaves("erf", np.array([7.0]))
    assert 30 < scaled[1].scale[0] / scaled[1].value[0] < 90
