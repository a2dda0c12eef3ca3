"""A mistake inside the program: another function, parameter, input or target than the case's, or a detached one.

Each hypothesis changes the case and computes the quantity again: nothing is fitted to the result that it explains.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from xcheck._dtypes import UNIT
from xcheck._reference import Leaf
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
        found = rerun(evidence, mistake.case)
        if found is not None and near(evidence, found, leaves):
            S = scales(evidence, mistake.case, found)
            wrong = {path: exactly(found[path], S[path]) for path in leaves}
            yield candidate(mistake.name, mistake.text, wrong, mistake.value)


def near(evidence: Evidence, found: Arrays, leaves: Leaves) -> bool:
    """Whether the result may be that of the mistake, going by the scale of the right program."""

    def fits(path: str, leaf: Leaf) -> bool:
        A, R = evidence.actual[path], found.get(path, np.empty(0))
        coarse = UNIT[evidence.dtype] * (np.max(leaf.scale, initial=0.0) + np.abs(leaf.value) + np.abs(A))
        return R.shape == A.shape and bool(np.all(np.abs(A - R) <= NEAR * coarse))

    return all(fits(path, leaf) for path, leaf in leaves.items())


def mistakes(evidence: Evidence) -> Iterator[Mistake]:
    yield from values(evidence.case, evidence.dtype)
    yield from layers(evidence.case)
    yield from functions(evidence)
