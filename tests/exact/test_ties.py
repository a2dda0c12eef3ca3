"""Ties: a derivative that every branch shares is certified, and only that; the guard stands at ties too."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import xcheck
from xcheck import Case, Integers, Literal, Normal
from xcheck._errors import GuardFailed, NoReference, Undecidable
from xcheck.exact import functions
from xcheck.exact.balls import KEPT
from xcheck.exact.certify import certify, margin
from xcheck.exact.ties import DrawnBalls, DrawnFloats
from xcheck.program import Linear, Sequential, cross_entropy
from xcheck.quantities import load_quantities

Q = load_quantities()
Program = Callable[[Any, Any], Any]


def case(program: Program, *x: float) -> Case:
    return Case(
        name="tied",
        program=lambda xp, params, inputs: xp.reshape(program(xp, inputs["x"]), (1, -1)),
        params={},
        inputs={"x": Literal((x,))},
    )


def softmax(xp: Any, y: Any) -> Any:
    """The maximum is asked for twice, and is the same both times."""
    return xp.exp(y - xp.max(y, axis=-1)) / xp.sum(xp.exp(y - xp.max(y, axis=-1)), axis=-1)


def value(program: Program, quantity: str, *x: float) -> np.ndarray:
    return certify(case(program, *x), [Q[quantity]])[quantity][""].value


#: Functions that are 0 at 0 and whose branches there differ in the first derivative, however it is hidden.
KINKS: dict[str, Program] = {
    "abs": lambda xp, x: xp.abs(x),
    "two_maxima": lambda xp, x: xp.maximum(x, 0.0) + xp.maximum(-x, 0.0),
    "two_wheres": lambda xp, x: xp.where(x > 0, x, 0.0 * x) - xp.where(x < 0, x, 0.0 * x),
    "two_axes": lambda xp, x: xp.max(square(xp, x), axis=0) - xp.max(square(xp, x), axis=1),
    "norm": lambda xp, x: xp.sqrt(xp.sum(x * x)),
    "root_of_a_square": lambda xp, x: xp.sqrt(x[:, :1] * x[:, 1:]),
}


def square(xp: Any, x: Any) -> Any:
    return xp.reshape(xp.concat([x, -x], axis=1), (2, 2))


@pytest.mark.parametrize("quantity", ["jacobian_inputs", "hessian_inputs"])
@pytest.mark.parametrize("program", KINKS.values(), ids=KINKS)
def test_a_kink_is_refused_in_every_order(program: Program, quantity: str) -> None:
    """The second derivatives of both branches of |x| are 0, and yet it has none at 0."""
    with pytest.raises(Undecidable):
        value(program, quantity, 0.0, 0.0)


@pytest.mark.parametrize("program", [softmax, lambda xp, y: xp.nn.softmax(y)], ids=["by_hand", "softmax"])
def test_the_shift_of_a_softmax_cancels_where_its_maximum_is_shared(program: Program) -> None:
    J = value(program, "jacobian_inputs", 2.0, 2.0, 2.0)
    assert np.array_equal(J[0], (3 * np.eye(3) - 1) / 9)


def test_a_mask_of_minus_infinity_takes_no_part() -> None:
    J = value(
        lambda xp, x: softmax(xp, xp.where(np.array([True, False, True]), x, -np.inf)), "jacobian_inputs", 1, -2, 0.5
    )
    assert J[0, 0, 0] == -J[0, 2, 0] == 0.23500371220159449
    assert not J[0, 1].any()
    assert not J[0, :, 1].any()


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "logsumexp"])
def test_a_row_that_is_masked_as_a_whole_is_refused_by_name(name: str) -> None:
    with pytest.raises(NoReference, match="a row whose entries are all -inf"):
        value(lambda xp, x: getattr(xp.nn, name)(x + np.array([-np.inf, -np.inf])), "value", 1.0, 2.0)


@pytest.mark.parametrize("quantity", [q for q in Q if q not in ("jacobian_aux", "hessian_inputs")])
def test_a_head_of_zeros_has_every_derivative_of_its_cross_entropy(quantity: str) -> None:
    head = Sequential(Linear(2, 3))
    zeros = Case(
        name="zeros",
        program=head,
        params={"0.weight": Literal(((0.0, 0.0),) * 3), "0.bias": Literal((0.0,) * 3)},
        inputs={"x": Normal((4, 2), seed=1)},
        targets=Integers((4,), seed=2, low=0, high=3),
        loss=cross_entropy(),
    )
    found = certify(zeros, [Q[quantity]])[quantity]
    if quantity == "hessian_blocks":
        assert np.array_equal(found["0.bias"].value, (3 * np.eye(3) - 1) / 9)


def test_what_a_branch_leaves_out_is_no_number_at_all() -> None:
    """The square root of a negative number, and the slope of one at 0: neither enters the program."""

    def program(xp: Any, x: Any) -> Any:
        return xp.where(x > 0, xp.sqrt(x), 0.0) + xp.sqrt(xp.nn.relu(x))

    assert value(program, "value", -1.0, 4.0).tolist() == [[0.0, 4.0]]
    assert value(program, "jacobian_inputs", -1.0, 4.0).tolist() == [[[0.0, 0.0], [0.0, 0.5]]]
    assert value(program, "hessian_inputs", -1.0, 4.0).ravel().tolist() == [0.0] * 7 + [-1 / 16]


def test_what_a_branch_leaves_out_warns_nobody(tmp_path, monkeypatch) -> None:
    """Warnings are errors here."""
    monkeypatch.setenv("XCHECK_CACHE", str(tmp_path))
    left_out = case(lambda xp, x: xp.where(x > 0, xp.sqrt(x) + xp.log(x), 0.0), -1.0, 4.0)
    assert xcheck.reference(left_out, "jacobian_inputs").value[0, 1, 1] == 0.5


def test_a_square_of_a_root_is_refused_by_the_name_of_the_root() -> None:
    with pytest.raises(Undecidable, match="sqrt is not analytic"):
        value(lambda xp, x: xp.exp(-(xp.sqrt(xp.sum(x * x)) ** 2)), "hessian_inputs", 0.0, 0.0, 0.0)


def test_a_fault_in_a_rule_is_caught_at_a_tie(monkeypatch) -> None:
    right = functions.RULES["exp"]

    def wrong(alg: Any, x: Any, order: int) -> list[Any]:
        return [alg.scale(c, 1 + Fraction(1, 2**50)) if k == 1 else c for k, c in enumerate(right(alg, x, order))]

    monkeypatch.setitem(functions.RULES, "exp", wrong)
    with pytest.raises(GuardFailed, match="tied/jacobian_inputs contradicts its guard"):
        value(softmax, "jacobian_inputs", 2.0, 2.0, 1.0)


def test_a_tie_whose_sides_agree_is_no_branch_that_rounding_may_flip() -> None:
    """`0.75 - |x|` rounds, and either branch is right; a jump is another matter."""
    bend = case(lambda xp, x: xp.nn.huber(x, 0.0 * x, 0.75), 0.75)
    jump = case(lambda xp, x: xp.where(3.0 * x > 2.25, 1.0, 0.0), 0.75)
    assert margin(bend) > 0.1
    assert margin(jump) == 0.0


def test_weights_are_drawn_once_for_a_choice_of_one_value() -> None:
    alg, values = DrawnBalls(0), [np.zeros(1) for _ in range(KEPT + 1)]
    open_ = np.array([np.nan, 1.0])
    first = alg.settle(open_, (values[0], 0))
    assert alg.settle(open_, (values[0], 0)).tolist() == first.tolist()
    drawn = [first[0], *(alg.settle(open_, of)[0] for of in ((values[0], 1), (values[1], 0), None, None))]
    assert len(set(drawn)) == 5
    assert first[1] == 1.0
    for value in values:
        alg.settle(open_, (value, 0))
    assert alg.settle(open_, (values[0], 0))[0] != first[0]


@pytest.mark.parametrize("alg", [DrawnBalls(0), DrawnFloats(0, 0, 0.0)])
def test_an_exact_zero_spares_what_it_multiplies(alg: Any) -> None:
    numbers = alg.constant(np.array([[0.0, 1.0], [2.0, 3.0]]))
    roots = alg.constant(np.array([[np.nan, 1.0], [2.0, 3.0]]))
    assert alg.finite(alg.mul(numbers, roots)).all()
    assert alg.finite(alg.matmul(numbers, roots)).tolist() == [[True, True], [False, True]]
    assert alg.met
