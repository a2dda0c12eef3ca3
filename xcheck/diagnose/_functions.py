"""Mistakes in the functions of a program: activations, their slopes, normalisation, units that are dropped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from inspect import signature
from itertools import count
from typing import Any

import numpy as np

from xcheck.case import Case
from xcheck.diagnose._calls import Function, observed, of, with_functions
from xcheck.diagnose._hypothesis import Evidence
from xcheck.diagnose._mistake import Mistake
from xcheck.diagnose._rerun import affordable
from xcheck.diagnose._slopes import wrong_slopes

Array = Any
Calls = Sequence[np.ndarray]
#: Rational functions in use for tanh, `x a(x^2) / b(x^2)`, and where x is clipped: the first reaches 1 there, the
#: others are cut off from its continued fraction (Lambert 1768) and go on.
FRACTIONS: dict[str, tuple[tuple[int, ...], tuple[int, ...], float | None]] = {
    "x (27 + x^2) / (27 + 9 x^2)": ((27, 1), (27, 9), 3.0),
    "x (15 + x^2) / (15 + 6 x^2)": ((15, 1), (15, 6), None),
    "x (945 + 105 x^2 + x^4) / (945 + 420 x^2 + 15 x^4)": ((945, 105, 1), (945, 420, 15), None),
    "x (135135 + 17325 x^2 + 378 x^4 + x^6) / (135135 + 62370 x^2 + 3150 x^4 + 28 x^6)": (
        (135135, 17325, 378, 1), (135135, 62370, 3150, 28), None,
    ),
}  # fmt: skip
LEAKS = (0.01, 0.1, 0.2)
EPSILONS = (1e-3, 1e-5, 1e-6, 1e-8, 1e-12, 0.0)
NORMS = ("nn.layer_norm", "nn.group_norm", "nn.instance_norm", "nn.rms_norm", "nn.batch_norm")
BENT = ("tanh", "nn.relu", "nn.sigmoid", "nn.gelu", "nn.silu", "sin")


def functions(evidence: Evidence) -> Iterator[Mistake]:
    case, calls = evidence.case, observed(evidence)
    if "tanh" in calls:
        yield from of_tanh(case)
    yield from wrong_slopes(case, calls)
    if "nn.relu" in calls:
        for slope in LEAKS:
            leaky = with_functions(case, lambda s=slope: {"nn.relu": lambda xp, x: xp.nn.leaky_relu(x, s)})
            yield Mistake("leaky_relu", f"has a leaky ReLU of slope {slope:g} in place of the ReLU", leaky, slope)
    yield from of_norms(case, calls)
    if "var" in calls:
        yield from of_statistics(case, calls)
    for name in BENT:
        yield from dropped(evidence, name, calls.get(name, ()))


def of_tanh(case: Case) -> Iterator[Mistake]:
    for said, (above, below, end) in FRACTIONS.items():
        instead = partial(fraction, above=above, below=below, end=end)
        made = with_functions(case, lambda f=instead: {"tanh": f})
        yield Mistake("tanh_fraction", f"has the fraction {said} in place of tanh", made, said)


def fraction(xp: Any, x: Array, above: Sequence[int], below: Sequence[int], end: float | None) -> Array:
    """`x a(x^2) / b(x^2)`, with x no further from 0 than `end`."""
    x = x if end is None else xp.clip(x, -end, end)
    return x * polynomial(x * x, above) / polynomial(x * x, below)


def polynomial(z: Array, coefficients: Sequence[int]) -> Array:
    """`c0 + c1 z + c2 z^2 ...`, by Horner's rule."""
    total = 0 * z + coefficients[-1]
    for c in reversed(coefficients[:-1]):
        total = total * z + c
    return total


def of_norms(case: Case, calls: dict[str, list[np.ndarray]]) -> Iterator[Mistake]:
    """The number that keeps a normalisation away from 0."""
    for norm in NORMS:
        for eps in EPSILONS if norm in calls else ():

            def other(xp: Any, *arguments: Any, norm: str = norm, eps: float = eps, **options: Any) -> Array:
                given = signature(of(xp, norm)).bind(*arguments, **options)
                given.arguments["eps"] = eps
                return of(xp, norm)(*given.args, **given.kwargs)

            text = f"has a {norm.removeprefix('nn.')} whose eps is {eps:g}"
            yield Mistake("wrong_eps", text, with_functions(case, lambda n=norm, o=other: {n: o}), eps)


def of_statistics(case: Case, calls: dict[str, list[np.ndarray]]) -> Iterator[Mistake]:
    """The variance with Bessel's correction; mean and variance as constants."""

    def unbiased(xp: Any, x: Array, axis: int | None = None, keepdims: bool = False) -> Array:
        n = x.shape[axis] if axis is not None else x.size
        return xp.var(x, axis=axis, keepdims=keepdims) * (n / (n - 1))

    text = "has a variance with Bessel's correction, n - 1 in place of n"
    yield Mistake("unbiased_variance", text, with_functions(case, lambda: {"var": unbiased}))

    def held(name: str) -> Function:
        points = iter(calls[name])

        def function(xp: Any, x: Array, **options: Any) -> Array:
            return of(xp, name)(xp.nn.constant(next(points), x), **options)

        return function

    detached = with_functions(case, lambda: {name: held(name) for name in ("mean", "var") if name in calls})
    yield Mistake("frozen_statistics", "treats the batch statistics as constants: they are detached", detached)


def dropped(evidence: Evidence, name: str, points: Calls) -> Iterator[Mistake]:
    """One unit counts for nothing, in one call or in all: dropout that was left on."""
    widths = [x0.shape[-1] for x0 in points]
    if not widths or not affordable(evidence, sum(widths) + max(widths)):
        return
    where = [(k, unit) for k, width in enumerate(widths) for unit in range(width)]
    everywhere = [(None, unit) for unit in range(max(widths))] if len(widths) > 1 else []
    for call, unit in [*where, *everywhere]:
        said = "everywhere" if call is None else f"in layer {call + 1}" if len(widths) > 1 else ""
        text = f"is that of the program with unit {unit} dropped after {name.removeprefix('nn.')} {said}".rstrip()
        case = with_functions(evidence.case, lambda c=call, u=unit: {name: without(name, c, u)})
        yield Mistake("dropped_unit", text, case, unit)


def without(name: str, call: int | None, unit: int) -> Function:
    """The function with one unit set to 0, in call number `call` or in every call that has several."""
    calls = count()

    def function(xp: Any, x: Array) -> Array:
        y = of(xp, name)(x)
        if call not in (None, next(calls)) or y.shape[-1] == 1:
            return y
        return y * xp.nn.constant((np.arange(y.shape[-1]) != unit).astype(np.float64), y)

    return function
