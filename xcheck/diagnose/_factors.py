"""A constant factor, named where it is a likely one, and the sign."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np

from xcheck._convention import evaluate
from xcheck._dtypes import UNIT
from xcheck._errors import UsageError
from xcheck._judge import LIMIT, rounding_scale
from xcheck.diagnose._hypothesis import Candidate, Evidence, Leaves, candidate, times

#: The likely factors, as `Convention.scale` writes them.
NAMED = (
    "2", "1/2", "4", "1/4", "n", "1/n", "2*n", "1/(2*n)", "n/2", "2/n", "n**2", "1/n**2", "n**0.5", "1/n**0.5",
    "n/(n-1)", "(n-1)/n", "(n+1)/n", "n/(n+1)", "c", "1/c", "2*c", "1/(2*c)", "c/2", "2/c",
    "n*c", "1/(n*c)", "n*c/2", "2/(n*c)",
    "p", "1/p", "noise_var", "1/noise_var", "noise_var**0.5", "1/noise_var**0.5", "2*noise_var", "1/(2*noise_var)",
    "noise_var**2", "1/noise_var**2", "n*noise_var", "1/(n*noise_var)",
)  # fmt: skip


def factor(evidence: Evidence, leaves: Leaves) -> Iterator[Candidate]:
    """`A = f R`: the named factors, then the one that fits best."""
    best, slack = fitted(evidence, leaves)
    if best is None:
        return
    sign = -1.0 if best < 0 else 1.0
    if sign < 0:
        yield candidate("sign", "has the opposite sign", times(leaves, -1.0), -1.0)
    for name, value in known(tuple(evidence.sizes.items())).items():
        if value != 1 and abs(abs(best) - value) <= slack * value:
            said = f"equals {'-' if sign < 0 else ''}{name} x the reference"
            yield candidate(
                "factor",
                said + (f" ({value:g})" if any(map(str.isalpha, name)) else ""),
                times(leaves, sign * value),
                sign * value,
            )
    yield candidate("scaled", f"equals {best:.12g} x the reference", times(leaves, best), best)


@cache
def known(sizes: tuple[tuple[str, float], ...]) -> dict[str, float]:
    return values(dict(sizes))


def values(sizes: dict[str, float]) -> dict[str, float]:
    """The named factors that a case has.

    >>> values({"n": 4.0})["n/(n-1)"]
    1.3333333333333333
    """
    found = {}
    for name in NAMED:
        try:
            found[name] = evaluate(name, sizes)
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
