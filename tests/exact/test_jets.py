"""Jets and the tape on functions whose derivatives are integers."""

from __future__ import annotations

from typing import Any

import flint
import numpy as np
import pytest

from xcheck.exact.balls import Balls
from xcheck.exact.jets import Jet, Jets
from xcheck.exact.namespace import Array, Namespace
from xcheck.exact.tape import Tape


def floats(value: Any) -> Any:
    return None if value is None else Balls().floats(value).tolist()


def moving(jets: Jets, x: float) -> Jet:
    return jets.lift(jets.base.literal(x), np.full((1,), flint.arb(1)))


def test_taylor_coefficients_of_a_polynomial() -> None:
    """(1 + t)^4 = 1 + 4 t + 6 t^2 + 4 t^3 + t^4."""
    jets = Jets(Balls(), 4)
    xp = Namespace(jets)
    y = Array(xp, moving(jets, 1.0)) ** 4
    assert [np.ravel(floats(c)).tolist() for c in y.value.coefficients] == [[1.0], [4.0], [6.0], [4.0], [1.0]]


def test_composition_of_functions() -> None:
    """exp(log(1 + t)) = 1 + t, sqrt((1 + t)^2) = 1 + t, tanh of artanh: to order 4."""
    jets = Jets(Balls(), 4)
    xp = Namespace(jets)
    x = Array(xp, moving(jets, 1.0))
    for y in (xp.exp(xp.log(x)), xp.sqrt(x * x), xp.expm1(xp.log(x)) + 1.0, xp.exp(xp.log1p(x - 1.0)), 1.0 / (1.0 / x)):
        c = [float(part.ravel()[0].mid()) for part in y.value.coefficients]
        assert all(part.ravel()[0].contains(k < 2) for k, part in enumerate(y.value.coefficients)), c


def test_what_vanishes_by_structure_costs_nothing() -> None:
    jets = Jets(Balls(), 2)
    a = jets.lift(jets.base.constant(np.ones((2, 3))))
    assert jets.mul(a, a).coefficients[1:] == (None, None)
    assert jets.unary("tanh", a).coefficients[1:] == (None, None)
    assert jets.matmul(a, jets.transpose(a, (1, 0))).coefficients[1:] == (None, None)


def test_directions_go_together() -> None:
    """f(x, y) = x^2 y along e_x, e_y and e_x + e_y: c_2 is y, 0 and y + 2 x."""
    jets = Jets(Balls(), 2)
    x = jets.lift(jets.base.literal(3.0), jets.base.constant(np.array([1.0, 0.0, 1.0])))
    y = jets.lift(jets.base.literal(5.0), jets.base.constant(np.array([0.0, 1.0, 1.0])))
    value, first, second = jets.mul(jets.mul(x, x), y).coefficients
    assert (floats(value), floats(first), floats(second)) == (45.0, [30.0, 9.0, 39.0], [5.0, 0.0, 11.0])


def test_the_tape_sums_over_uses_and_skips_constants() -> None:
    tape = Tape(Balls())
    a = tape.variable(Balls().constant(np.array([2.0, 3.0])))
    constant = tape.constant(np.array([10.0, 20.0]))
    unused = tape.variable(Balls().constant(np.zeros(2)))
    y = tape.sum(tape.add(tape.mul(a, a), tape.mul(a, constant)), (0,))
    assert constant.position == -1
    da, dunused = tape.pullback(y, tape.base.ones_like(y.value), [a, unused])
    assert (floats(da), dunused) == ([14.0, 26.0], None)


def test_a_tape_can_be_pulled_twice() -> None:
    tape = Tape(Balls())
    a = tape.variable(Balls().constant(np.array([2.0, 3.0])))
    y = tape.mul(a, a)
    for unit, expected in (([1.0, 0.0], [4.0, 0.0]), ([0.0, 1.0], [0.0, 6.0])):
        assert floats(tape.pullback(y, Balls().constant(np.array(unit)), [a])[0]) == expected


@pytest.mark.parametrize(("left", "right"), [((1, 2, 3), (4, 3, 2)), ((4, 2, 3), (1, 3, 2)), ((2, 3), (3, 2))])
def test_the_adjoint_of_a_product_undoes_broadcasting(left: tuple[int, ...], right: tuple[int, ...]) -> None:
    tape = Tape(Balls())
    a, b = (tape.variable(Balls().constant(np.ones(shape))) for shape in (left, right))
    y = tape.matmul(a, b)
    da, db = tape.pullback(y, tape.base.ones_like(y.value), [a, b])
    assert (da.shape, db.shape) == (left, right)
    assert np.sum(Balls().floats(da)) == 3 * 2 * np.prod(y.shape) / 2
