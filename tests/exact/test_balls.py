"""Balls: every operation encloses the truth, and nothing is decided that is not certain."""

from __future__ import annotations

import contextlib
from fractions import Fraction

import flint
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xcheck._errors import Undecidable, UnknownPrimitive
from xcheck.exact.balls import CUT, FUNCTIONS, KEPT, Balls, ComplexBalls, precision
from xcheck.exact.monte_carlo import COMPOSED, MonteCarlo
from xcheck.exact.monte_carlo import FUNCTIONS as FLOATS

numbers = st.integers(-(2**40), 2**40).map(lambda k: k / 2**20)


def fraction(z: flint.arb) -> Fraction:
    """The midpoint of a ball, exactly."""
    mantissa, exponent = z.mid().man_exp()
    return Fraction(int(mantissa)) * Fraction(2) ** int(exponent)


@settings(max_examples=50, deadline=None)
@given(st.lists(numbers, min_size=6, max_size=6))
def test_arithmetic_encloses_the_rational_result(values: list[float]) -> None:
    with precision(128):
        alg = Balls()
        exact = [Fraction(v) for v in values]
        a, b = alg.constant(np.array(values[:3])), alg.constant(np.array(values[3:]))
        third = alg.scale(a, Fraction(1, 3))
        dot = alg.matmul(alg.reshape(third, (1, 3)), alg.reshape(b, (3, 1)))[0, 0]
        truth = sum((x * y for x, y in zip(exact[:3], exact[3:], strict=True)), Fraction(0))
        assert (3 * dot).contains(flint.arb(truth.numerator) / truth.denominator)
        total = alg.sum(alg.sub(a, b), (0,))[()]
        assert fraction(total) == sum(exact[:3]) - sum(exact[3:])


@pytest.mark.parametrize(
    "shapes", [((2, 3), (3, 4)), ((5, 2, 3), (1, 3, 4)), ((1, 2, 3), (5, 3, 1)), ((5, 2, 1), (5, 1, 2))]
)
def test_every_way_of_multiplying_matrices_is_the_same(shapes: tuple[tuple[int, ...], ...]) -> None:
    left, right = (np.random.default_rng(k).integers(-9, 9, shape).astype(float) for k, shape in enumerate(shapes))
    alg = Balls()
    assert alg.floats(alg.matmul(alg.constant(left), alg.constant(right))).tolist() == (left @ right).tolist()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_has_one_value_in_every_algebra(name: str) -> None:
    x = np.array([0.5, 1.25, 1.75])
    with precision(128):
        real, disc = Balls().call(name, Balls().constant(x)), ComplexBalls().call(name, ComplexBalls().constant(x))
        floats = MonteCarlo(noise=0.0).call(name, x)
        for z, w, value in zip(real, disc, floats, strict=True):
            assert w.real.overlaps(z)
            assert w.imag.contains(0)
            assert abs(z - flint.arb(value)) < abs(z) * flint.arb(2) ** -50


def test_values_that_are_kept_are_those_of_this_array_and_this_precision() -> None:
    alg = Balls()
    with precision(128):
        arrays = [alg.constant(np.array([float(k)])) for k in range(1, 2 * KEPT)]
        first = [alg.call("exp", a) for a in arrays]
        again = [alg.call("exp", a) for a in arrays]
        assert alg.call("exp", arrays[-1]) is again[-1]
    assert all(a[0].overlaps(b[0]) for a, b in zip(first, again, strict=True))
    with precision(256):
        sharp = alg.call("exp", arrays[-1])
        assert sharp[0].rad() < again[-1][0].rad()
        assert not sharp[0].overlaps(alg.call("tanh", arrays[-1])[0])


def test_both_algebras_know_the_same_functions() -> None:
    assert set(FUNCTIONS) == set(FLOATS) | set(COMPOSED)


def test_precision_is_restored() -> None:
    before = flint.ctx.prec
    with contextlib.suppress(KeyError), precision(300):
        assert flint.ctx.prec == 300
        raise KeyError
    assert flint.ctx.prec == before


def test_signs_are_decided_or_refused() -> None:
    alg = Balls()
    assert alg.sign(alg.constant(np.array([2.0, 0.0, -1.0]))).tolist() == [1, 0, -1]
    for straddles in (flint.arb(0, 1), flint.arb(1, 1), flint.arb(-1, 1)):
        with pytest.raises(Undecidable):
            alg.sign(np.array([straddles], dtype=object))


DISC = flint.acb(flint.arb(0, 0.125), flint.arb(0, 0.125))


@pytest.mark.parametrize(
    ("name", "centre"),
    [("log", 0.0625), ("sqrt", -1.0), ("log1p", -1.0), ("reciprocal", 0.0), ("tanh", 1.5708j), ("softplus", 3.1416j)],
)
def test_no_disc_over_a_cut_or_a_pole(name: str, centre: complex) -> None:
    alg = ComplexBalls()
    over, away = alg.call(name, np.array([flint.acb(centre) + DISC, flint.acb(2.0) + DISC], dtype=object))
    assert not over.is_finite()
    assert not (0 * over + 1).is_finite()
    assert away.is_finite()
    assert alg.refused is not None
    assert alg.refused.startswith(name)


def test_a_number_that_does_not_move_on_a_disc_is_a_constant() -> None:
    alg = ComplexBalls()
    assert alg.call("sqrt", alg.constant(np.zeros(1)))[0] == 0
    assert alg.call("exp", alg.constant(np.array([-np.inf])))[0] == 0
    assert not alg.call("log", alg.constant(np.array([-1.0])))[0].is_finite()
    assert not alg.call("reciprocal", alg.constant(np.zeros(1)))[0].is_finite()


def jumps(name: str, z: complex) -> bool:
    """Whether the values on two sides of a point differ, however near they are."""
    f, near = FUNCTIONS[name], 2.0**-40
    pairs = [(flint.acb(z) + d * near, flint.acb(z) - d * near) for d in (flint.acb(1), flint.acb(0, 1))]
    return any(bool(abs(f(a) - f(b)) > 2.0**-20) for a, b in pairs)


@pytest.mark.parametrize("name", list(FUNCTIONS))
def test_every_function_with_a_cut_is_declared_and_refused_on_it(name: str) -> None:
    grid = [complex(x, y) for x in (-3, -1.5, -0.5, 0.5, 1.5, 3) for y in (0, np.pi / 2, -np.pi / 2, np.pi, -np.pi)]
    cut = [z for z in grid if jumps(name, z)]
    assert bool(cut) == (name in CUT)
    for z in cut:
        alg = ComplexBalls()
        (over,) = alg.call(name, np.array([flint.acb(z) + DISC], dtype=object))
        assert not over.is_finite()
        assert (alg.refused or "").startswith(f"{name} is not analytic")


def test_a_branch_goes_by_the_real_part_of_the_whole_disc() -> None:
    alg = ComplexBalls()
    assert alg.sign(np.array([flint.acb(1) + DISC, flint.acb(-1) + DISC], dtype=object)).tolist() == [1, -1]
    assert alg.sign(np.array([flint.acb(0)], dtype=object)).tolist() == [0]
    for z in (flint.acb(0.0625) + DISC, flint.acb(0, 1)):
        with pytest.raises(Undecidable):
            alg.sign(np.array([z], dtype=object))


@pytest.mark.parametrize("alg", [Balls(), MonteCarlo()])
def test_an_unknown_function_says_how_to_add_it(alg: Balls | MonteCarlo) -> None:
    with pytest.raises(UnknownPrimitive, match="'gamma'; add"):
        alg.call("gamma", alg.constant(np.ones(1)))
    with pytest.raises(UnknownPrimitive, match="'gamma'; add its Taylor rule"):
        alg.unary("gamma", alg.constant(np.ones(1)))
