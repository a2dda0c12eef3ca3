"""Faults planted into our own derivative rules: every one must be caught by a guard, or the guards prove nothing.

Three faults for each rule: a relative error of 2^-50 (under the rounding of float64), a sign, a factor.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

import pytest

from xcheck import Case, Literal, Normal, Uniform
from xcheck._errors import GuardFailed
from xcheck.exact import functions
from xcheck.exact.balls import Balls, precision
from xcheck.exact.certify import certify
from xcheck.exact.derivatives import Derivatives
from xcheck.exact.jets import Jet, Jets
from xcheck.exact.namespace import Array
from xcheck.exact.probe import Probe, overlap
from xcheck.exact.tape import Node, Tape
from xcheck.program import mse
from xcheck.quantities import load_quantities

FAULTS = {"2^-50": 1 + Fraction(1, 2**50), "sign": Fraction(-1), "factor": Fraction(3, 2)}
#: Which quantity sees the Taylor coefficient of that order.
SEES = {1: "jvp", 2: "hessian_diagonal", 3: "third_derivative", 4: "fourth_derivative"}

some_fault = pytest.mark.parametrize("factor", FAULTS.values(), ids=FAULTS.keys())


def faults(case: Case, quantity: str) -> list[str]:
    declared = load_quantities()[quantity]
    with precision(128):
        claimed = dict(declared.reference(Derivatives(case, Balls())))
    with precision(256):
        return overlap(declared.guard(Probe(case), claimed))


def elementwise(name: str) -> Case:
    """A function of one variable at three points where it is analytic."""
    return Case(
        name="elementwise",
        program=lambda xp, params, inputs: inputs["x"] + xp.unary(name, params["a"]),
        params={"a": Uniform((3,), seed=2, low=0.5, high=2.0)},
        inputs={"x": Literal(((0.0,),))},
        targets=Literal(((0.5, -0.25, 0.125),)),
        loss=mse(),
    )


@some_fault
@pytest.mark.parametrize("order", SEES)
@pytest.mark.parametrize("name", functions.RULES)
def test_a_wrong_taylor_coefficient_is_caught(name: str, order: int, factor: Fraction, monkeypatch) -> None:
    right = functions.RULES[name]

    def wrong(alg: Any, x: Any, top: int) -> list[Any]:
        c = right(alg, x, top)
        if top >= order:
            c[order] = alg.scale(c[order], factor)
        return c

    case = elementwise(name)
    monkeypatch.setitem(functions.RULES, name, wrong)
    assert faults(case, SEES[order]) != []


def every_operation(xp: Any, params: Any, inputs: Any) -> Any:
    """Each operation of the algebra between the parameters and the output."""
    w, v = params["w"], params["v"]
    a = xp.permute_dims(xp.tanh(w @ xp.permute_dims(inputs["x"], (1, 0))), (1, 0))
    a = Array(xp, xp.alg.scale(a.value, Fraction(5, 4)))
    b = xp.where(a > 0.125, xp.negative(a) * v, a - v)
    c = xp.concat([xp.index(b, (slice(None), [2, 0, 0])), xp.broadcast_to(v, b.shape)], axis=1)
    d = xp.scatter(c, (slice(None), slice(1, 7)), (c.shape[0], 8))
    e = xp.reshape(d, (-1, 2, 4)) @ xp.reshape(xp.concat([v, v[:1]]), (4, 1))
    return xp.sum(e * e, axis=2) + xp.mean(a, axis=1, keepdims=True)


EVERYTHING = Case(
    name="everything",
    program=every_operation,
    params={"w": Normal((3, 2), seed=1), "v": Normal((3,), seed=2)},
    inputs={"x": Normal((2, 2), seed=3)},
    targets=Normal((2, 2), seed=4),
    loss=mse(),
)
#: Operation and number of operands through which a cotangent flows.
ADJOINTS = {
    "add": 2, "sub": 2, "neg": 1, "scale": 1, "mul": 2, "matmul": 2, "unary": 1, "select": 2, "sum": 1, "reshape": 1,
    "transpose": 1, "broadcast": 1, "index": 1, "scatter": 1, "concat": 2,
}  # fmt: skip
SLOTS = [(operation, slot) for operation, slots in ADJOINTS.items() for slot in range(slots)]
ids = [f"{operation}_{slot}" for operation, slot in SLOTS]


@contextmanager
def wrong_adjoint(operation: str, slot: int, factor: Fraction) -> Iterator[list[int]]:
    """Scales what an operation of the tape passes to one operand; the list counts how often."""
    right = Tape._record
    counted: list[int] = []

    def record(self: Tape, value: Any, *parents: tuple[Node, Callable[[Any], Any]]) -> Node:
        if sys._getframe(1).f_code.co_name == operation and slot < len(parents):
            node, adjoint = parents[slot]
            counted.append(slot)
            wrong = (node, lambda g: self.base.scale(adjoint(g), factor))
            parents = (*parents[:slot], wrong, *parents[slot + 1 :])
        return right(self, value, *parents)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Tape, "_record", record)
        yield counted


@some_fault
@pytest.mark.parametrize(("operation", "slot"), SLOTS, ids=ids)
@pytest.mark.parametrize("quantity", ["vjp", "hvp"])
def test_a_wrong_adjoint_is_caught(operation: str, slot: int, factor: Fraction, quantity: str) -> None:
    with wrong_adjoint(operation, slot, factor) as counted:
        found = faults(EVERYTHING, quantity)
    assert counted
    assert found != []


@some_fault
@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("operation", ADJOINTS)
def test_a_wrong_jet_is_caught(operation: str, order: int, factor: Fraction, monkeypatch) -> None:
    right = getattr(Jets, operation)

    def wrong(self: Jets, *operands: Any) -> Jet:
        c = list(right(self, *operands).coefficients)
        if self.order >= order and c[order] is not None:
            c[order] = self.base.scale(c[order], factor)
        return Jet(tuple(c))

    monkeypatch.setattr(Jets, operation, wrong)
    assert faults(EVERYTHING, SEES[order]) != []


@pytest.mark.parametrize("quantity", load_quantities())
def test_without_a_fault_nothing_is_caught(quantity: str) -> None:
    assert faults(EVERYTHING, quantity) == []


def test_a_fault_stops_the_reference(monkeypatch) -> None:
    right = functions.RULES["tanh"]
    monkeypatch.setitem(
        functions.RULES, "tanh", lambda alg, x, top: [alg.neg(c) if k else c for k, c in enumerate(right(alg, x, top))]
    )
    with pytest.raises(GuardFailed, match="everything/jvp contradicts its guard"):
        certify(EVERYTHING, [load_quantities()["jvp"]])
