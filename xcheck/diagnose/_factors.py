"""A constant factor, named where it is a likely one, and the sign."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from itertools import islice

import numpy as np

from xcheck._convention import evaluate
from xcheck._dtypes import UNIT
from xcheck._errors import UsageError
from xcheck._judge import LIMIT, rounding_scale
from xcheck.diagnose._hypothesis import Candidate, Evidence, Leaves, candidate, times
from xcheck.diagnose._lengths import lengths

#: The likely factors, as `Convention.scale` writes them.
NAMED = (
    "2", "1/2", "4", "1/4", "n", "1/n", "2*n", "1/(2*n)", "n/2", "2/n", "n**2", "1/n**2", "n**0.5", "1/n**0.5",
    "n/(n-1)", "(n-1)/n", "(n+1)/n", "n/(n+1)", "c", "1/c", "2*c", "1/(2*c)", "c/2", "2/c",
    "n*c", "1/(n*c)", "n*c/2", "2/(n*c)",
    "p", "1/p", "noise_var", "1/noise_var", "noise_var**0.5", "1/noise_var**0.5", "2*noise_var", "1/(2*noise_var)",
    "noise_var**2", "1/noise_var**2", "n*noise_var", "1/(n*noise_var)",
)  # fmt: skip
#: What the length k of any other axis makes: Bessel's correction of a variance over it.
OF_LENGTH = ("k/(k-1)", "(k-1)/k")
#: So many names of one factor are told.
TOLD = 3
#: A fraction of larger numbers is no plain number.
PLAIN = 1000


def factor(evidence: Evidence, leaves: Leaves) -> Iterator[Candidate]:
    """`A = f R`: a likely factor under all of its names, then the one that fits best."""
    best, slack = fitted(evidence, leaves)
    if best is None:
        return
    sign = -1.0 if best < 0 else 1.0
    if sign < 0:
        yield candidate("sign", "has the opposite sign", times(leaves, -1.0), -1.0)
    near = {name: f for name, f in likely(evidence).items() if f != 1 and abs(abs(best) - f) <= slack * f}
    # In float32 a factor may fit numbers that differ, such as n/(n-1) and (n+1)/n: each of them is a class.
    while near:
        value = min(near.values(), key=lambda f: abs(abs(best) - f))
        names = [name for name, f in near.items() if same(f, value)]
        near = {name: f for name, f in near.items() if name not in names}
        text = f"equals {'-' if sign < 0 else ''}{called(value, names)}"
        yield candidate("factor", text, times(leaves, sign * value), sign * value)
    yield candidate("scaled", f"equals {best:.12g} x the reference", times(leaves, best), best)


def called(value: float, names: list[str]) -> str:
    """The plain number first, where there is one, then some of the names that coincide here.

    >>> called(2.0, ["2", "n", "2*c", "2/c"])
    '2 x the reference (here also n, 2*c, 2/c)'
    >>> called(2**0.5, ["n**0.5"])
    'n**0.5 x the reference (1.41421)'
    """
    fraction = Fraction(value).limit_denominator(PLAIN)
    if same(float(fraction), value):
        first, told = str(fraction), []
    else:
        first, told = names[0], [f"{value:.6g}"]
    others = list(islice((name for name in names if name != first), TOLD))
    told += [f"here also {', '.join(others)}"] if others else []
    return f"{first} x the reference" + (f" ({'; '.join(told)})" if told else "")


def same(a: float, b: float) -> bool:
    """Whether two factors are one number: 2/(n*c) and 1/(n*c/2) may round differently."""
    return abs(a - b) <= 4 * UNIT["float64"] * abs(b)


def likely(evidence: Evidence) -> dict[str, float]:
    """The named factors that a case has, those of its sizes before those of the lengths of its axes."""
    found = dict(known(tuple(evidence.sizes.items()), NAMED))
    for k, where in lengths(evidence).items():
        for name, value in known((("k", float(k)),), OF_LENGTH).items():
            found[f"{name} with k = {k}, {where}"] = value
    return found


@cache
def known(sizes: tuple[tuple[str, float], ...], names: tuple[str, ...]) -> dict[str, float]:
    """The named factors that these sizes make.

    >>> known((("n", 4.0),), ("n/(n-1)", "1/c"))
    {'n/(n-1)': 1.3333333333333333}
    """
    found = {}
    for name in names:
        try:
            found[name] = evaluate(name, dict(sizes))
        except UsageError:  # the case has no such size, or n = 1 makes n/(n-1) infinite
            continue
    return found


def fitted(evidence: Evidence, leaves: Leaves) -> tuple[float | None, float]:
    """The least squares factor in units of S, and how far rounding may move it."""
    R, A = [], []
    for path, leaf in leaves.items():
        S = rounding_scale(leaf, evidence.dtype)
        live = (S > 0) & np.isfinite(leaf.value)
        R.append(leaf.value[live] / S[live])
        A.append(evidence.actual[path][live] / S[live])
    x, y = np.concatenate(R), np.concatenate(A)
    below = float(x @ x)
    best = float(x @ y) / below if below else 0.0
    if not best or not np.isfinite(best):
        return None, 0.0
    best += float(x @ (y - best * x)) / below  # the residual removes the rounding error of the first sum
    return best, LIMIT * UNIT[evidence.dtype] * float(np.sum(np.abs(x))) / below
