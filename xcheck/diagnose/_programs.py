"""A mistake inside the program: another function, parameter, input or target than the case's, or a detached one.

Each hypothesis changes the case and computes the quantity again: nothing is fitted to the result that it explains.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from xcheck._dtypes import UNIT
from xcheck.diagnose._functions import functions
from xcheck.diagnose._hypothesis import Candidate, Evidence, Leaves, candidate, exactly
from xcheck.diagnose._mistake import Mistake
from xcheck.diagnose._rerun import Arrays, affordable, rerun, scales
from xcheck.diagnose._sharing import layers
from xcheck.diagnose._values import values

#: A result so many units of the largest scale away may be that of a mistake, whose own scale is computed then.
NEAR = 100.0


def programs(evidence: Evidence, leaves: Leaves) -> Iterator[Candidate]:
    """The quantity of every case with one mistake in it, where it can be computed again."""
    if not affordable(evidence):
        return
    for mistake in mistakes(evidence):
        evidence.in_time()
        found = rerun(evidence, mistake.case)
        if found is not None and near(evidence, found, leaves):
            S = scales(evidence, mistake.case, found)
            wrong = {path: exactly(found[path], S[path]) for path in leaves}
            yield candidate(mistake.name, mistake.text, wrong, mistake.value)


def near(evidence: Evidence, found: Arrays, leaves: Leaves) -> bool:
    """Whether the result may be that of the mistake, and is nearer to it than to the right one, on a coarse scale."""
    before = after = 0.0
    for path, leaf in leaves.items():
        A, R = evidence.actual[path], found.get(path, np.empty(0))
        if R.shape != A.shape:
            return False
        coarse = np.max(leaf.scale, initial=0.0) + np.abs(leaf.value) + np.abs(A)
        coarse = np.maximum(UNIT[evidence.dtype] * coarse, np.finfo(np.float64).tiny)
        before = max(before, float(np.max(np.abs(A - leaf.value) / coarse, initial=0.0)))
        after = max(after, float(np.max(np.abs(A - R) / coarse, initial=0.0)))
    return after <= NEAR and 2 * after <= before


def mistakes(evidence: Evidence) -> Iterator[Mistake]:
    yield from values(evidence.case, evidence.dtype)
    yield from layers(evidence.case, evidence.dtype)
    yield from functions(evidence)
