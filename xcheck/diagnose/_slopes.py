"""Functions whose value is right and whose derivative is not: a wrong rule, or a saved number taken for a constant."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from xcheck.case import Case
from xcheck.diagnose._calls import Function, of, with_functions
from xcheck.diagnose._mistake import Mistake

Array = Any
#: Near x0 the function of x that has the wrong derivatives there: from xp, x and x0, which is held constant.
Near = Callable[[Any, Array, Array], Array]


def sigmoid(xp: Any, x: Array) -> Array:
    return xp.nn.sigmoid(x)


#: The slopes of functions, as their rules compute them.
SLOPES: dict[str, Callable[[Any, Array], Array]] = {
    "tanh": lambda xp, x: 1 - xp.tanh(x) * xp.tanh(x),
    "sin": lambda xp, x: xp.cos(x),
    "nn.sigmoid": lambda xp, x: sigmoid(xp, x) * (1 - sigmoid(xp, x)),
    "nn.silu": lambda xp, x: sigmoid(xp, x) * (1 + x * (1 - sigmoid(xp, x))),
}
#: Rules that people write, by the function and the words for them.
RULES: dict[str, dict[str, Near]] = {
    "tanh": {
        # 1 - (1 - y0) exp(x0 - x) solves y' = 1 - y, so that every derivative is that of the wrong rule.
        "takes 1 - y for the slope of tanh, not 1 - y^2": (lambda xp, x, x0: 1 - (1 - xp.tanh(x0)) * xp.exp(x0 - x)),
        "takes 1 for the slope of tanh (straight through)": lambda xp, x, x0: xp.tanh(x0) + (x - x0),
    },
    "nn.silu": {
        "takes the sigmoid in the slope of silu for a constant: its second derivative misses a term": (
            lambda xp, x, x0: saved_sigmoid(xp, x, x0, sigmoid(xp, x0))
        ),
    },
}


def saved_sigmoid(xp: Any, x: Array, x0: Array, s: Array) -> Array:
    """`f' = s (1 + x (1 - s))` with the number s."""
    return xp.nn.silu(x0) + s * (x - x0) + s * (1 - s) * (x * x - x0 * x0) / 2


def tangent(xp: Any, x: Array, x0: Array, name: str) -> Array:
    """The tangent at x0: it has the value and the slope, and nothing beyond."""
    return of(xp, name)(x0) + SLOPES[name](xp, x0) * (x - x0)


def wrong_slopes(case: Case, calls: Mapping[str, Sequence[np.ndarray]]) -> Iterator[Mistake]:
    """Of every function that the program calls and that has a slope here."""
    for name in SLOPES:
        said = f"takes the slope of {name.removeprefix('nn.')} for a constant: its second derivative is missing"
        for text, near in {said: partial(tangent, name=name), **RULES.get(name, {})}.items() if name in calls else ():
            made = with_functions(case, lambda n=name, f=near: {n: at(calls[n], f)})
            yield Mistake("wrong_slope", text, made)


def at(points: Sequence[np.ndarray], near: Near) -> Function:
    """Call k sees the values that call k of the right program is given, as constants."""
    known = iter(points)

    def function(xp: Any, x: Array) -> Array:
        return near(xp, x, xp.nn.constant(next(known), x))

    return function
