"""Functions of one variable, each by its Taylor rule: `f(x + t) = sum_k c_k t^k` from one value and a recurrence.

A rule sees only a base algebra and `call`, which evaluates the function itself; so one rule serves balls, complex balls
and Monte-Carlo floats, to any order. The recurrences follow from the differential equation that each function solves
(Griewank and Walther 2008, "Evaluating Derivatives", chapter 13).
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import factorial
from typing import Any

from xcheck._errors import UnknownPrimitive

Series = list[Any]
Rule = Callable[[Any, Any, int], Series]
RULES: dict[str, Rule] = {}


def rule(function: Rule) -> Rule:
    RULES[function.__name__] = function
    return function


def series(alg: Any, name: str, x: Any, order: int) -> Series:
    """Taylor coefficients `c_0 .. c_order` of a function at x.

    Raises:
        UnknownPrimitive: no rule of that name; the message says how to add one.
    """
    try:
        found = RULES[name]
    except KeyError:
        raise UnknownPrimitive(
            f"the exact arithmetic has no function {name!r}; add its Taylor rule to xcheck/exact/functions.py "
            "and its value to the algebras"
        ) from None
    return found(alg, x, order)


def derivative(alg: Any, name: str, x: Any, order: int) -> Any:
    """`f^(order)(x) = order! c_order`."""
    top = series(alg, name, x, order)[order]
    return alg.scale(top, factorial(order)) if order > 1 else top


def convolved(alg: Any, a: Series, b: Series, k: int) -> Any:
    """`sum_i a_i b_{k-i}`."""
    total = alg.mul(a[0], b[k])
    for i in range(1, k + 1):
        total = alg.add(total, alg.mul(a[i], b[k - i]))
    return total


@rule
def exp(alg: Any, x: Any, order: int) -> Series:
    c = [alg.call("exp", x)]
    for k in range(1, order + 1):
        c.append(alg.scale(c[-1], Fraction(1, k)))
    return c


@rule
def expm1(alg: Any, x: Any, order: int) -> Series:
    c = [alg.call("expm1", x)]
    return c if order == 0 else c + exp(alg, x, order)[1:]


@rule
def reciprocal(alg: Any, x: Any, order: int) -> Series:
    c = [alg.call("reciprocal", x)]
    for _ in range(order):
        c.append(alg.neg(alg.mul(c[-1], c[0])))
    return c


@rule
def log(alg: Any, x: Any, order: int) -> Series:
    c = [alg.call("log", x)]
    return c + _log_slopes(alg, x, order) if order else c


@rule
def log1p(alg: Any, x: Any, order: int) -> Series:
    c = [alg.call("log1p", x)]
    return c + _log_slopes(alg, alg.add(x, alg.ones_like(x)), order) if order else c


def _log_slopes(alg: Any, x: Any, order: int) -> Series:
    """`c_1 = 1/x`, `c_k = -(k-1)/k c_{k-1} / x`."""
    inverse = alg.call("reciprocal", x)
    c = [inverse]
    for k in range(2, order + 1):
        c.append(alg.scale(alg.mul(c[-1], inverse), Fraction(1 - k, k)))
    return c


@rule
def tanh(alg: Any, x: Any, order: int) -> Series:
    """`y' = 1 - y^2`."""
    c = [alg.call("tanh", x)]
    for k in range(order):
        slope = alg.neg(convolved(alg, c, c, k))
        if k == 0:
            slope = alg.add(slope, alg.ones_like(slope))
        c.append(alg.scale(slope, Fraction(1, k + 1)))
    return c


@rule
def sigmoid(alg: Any, x: Any, order: int) -> Series:
    """`y' = y - y^2`."""
    c = [alg.call("sigmoid", x)]
    for k in range(order):
        c.append(alg.scale(alg.sub(c[k], convolved(alg, c, c, k)), Fraction(1, k + 1)))
    return c


@rule
def softplus(alg: Any, x: Any, order: int) -> Series:
    """`y = log(1 + exp x)`, `y' = sigmoid x`."""
    c = [alg.call("softplus", x)]
    if order:
        slope = sigmoid(alg, x, order - 1)
        c += [alg.scale(s, Fraction(1, k + 1)) for k, s in enumerate(slope)]
    return c


@rule
def sin(alg: Any, x: Any, order: int) -> Series:
    return _circle(alg, x, order, ("sin", "cos"), (1, 1, -1, -1))


@rule
def cos(alg: Any, x: Any, order: int) -> Series:
    return _circle(alg, x, order, ("cos", "sin"), (1, -1, -1, 1))


def _circle(alg: Any, x: Any, order: int, names: tuple[str, str], signs: tuple[int, ...]) -> Series:
    values = [alg.call(name, x) for name in names[: min(order, 1) + 1]]
    return [alg.scale(values[k % 2], Fraction(signs[k % 4], factorial(k))) for k in range(order + 1)]


@rule
def sqrt(alg: Any, x: Any, order: int) -> Series:
    """`y y = x`, so `2 y_0 y_k = -sum_{0<i<k} y_i y_{k-i}` for k > 1."""
    c = [alg.call("sqrt", x)]
    if order:
        half = alg.scale(alg.call("reciprocal", c[0]), Fraction(1, 2))
        c.append(half)
        for k in range(2, order + 1):
            inner = convolved(alg, c[1:], c[1:], k - 2)
            c.append(alg.neg(alg.mul(inner, half)))
    return c


@rule
def erf(alg: Any, x: Any, order: int) -> Series:
    """`y' = 2/sqrt(pi) g` with `g = exp(-x^2)`, `g' = -2 x g`."""
    c = [alg.call("erf", x)]
    if order:
        g = [alg.call("erf_slope", x)]
        for k in range(1, order):
            term = alg.mul(x, g[k - 1])
            if k > 1:
                term = alg.add(term, g[k - 2])
            g.append(alg.scale(term, Fraction(-2, k)))
        c += [alg.scale(s, Fraction(1, k + 1)) for k, s in enumerate(g)]
    return c
