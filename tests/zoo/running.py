"""A quantity computed by xcheck's own implementations, of a case as it is or of one whose program is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np

from xcheck._execute import unmet
from xcheck._problem import adapter, problem
from xcheck._tree import leaves
from xcheck.case import Case
from xcheck.quantity import Implementation, implementations

#: Parameters times examples of the largest case that a wrong program is run on: a run of more takes seconds.
LARGEST = 30_000


def small(case: Case) -> bool:
    return case.n * case.p <= LARGEST


@cache
def first(case: Case, quantity: str, framework: str) -> Implementation | None:
    """xcheck's first implementation of a framework that applies and is right on the case; None where none is."""
    cell = problem(case, quantity, framework)
    for implementation in implementations(quantity).values():
        ours = implementation.module.startswith("xcheck.quantities.") and implementation.variant == "eager"
        limited = any(gap.covers(case.name, quantity, "float64", "cpu") for gap in implementation.limitations)
        if ours and not limited and unmet(cell, implementation) is None:
            return implementation
    return None


def computed(
    case: Case, quantity: str, framework: str, dtype: str, like: Case | None = None
) -> Mapping[str, np.ndarray] | None:
    """What it returns, in NumPy; a wrong program is computed as the right one `like` would be."""
    implementation = first(like or case, quantity, framework)
    if implementation is None:
        return None
    cell = problem(case, quantity, framework, dtype=dtype)
    with cell.precision():
        prepared = () if implementation.prepare is None else (implementation.prepare(cell),)
        native = implementation.function(cell, *prepared)
    return {path: np.array(A) for path, A in leaves(adapter(framework).to_numpy(native)).items()}
