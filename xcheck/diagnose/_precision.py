"""Lower precision: claimed only where every value is representable in it; else only the size of the error is named."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from xcheck._dtypes import UNIT
from xcheck._judge import LIMIT, distance
from xcheck.arrays import rounded
from xcheck.diagnose._hypothesis import Evidence
from xcheck.diagnose._local import wrong_entries
from xcheck.result import Explanation


def stored_in(evidence: Evidence) -> Iterator[Explanation]:
    """The coarsest dtype that holds every value and in which the result agrees."""
    if not any(
        np.any(evidence.actual[path][where])
        for path, where in wrong_entries(evidence, evidence.reference.leaves).items()
    ):
        return  # every dtype holds 0, so that zeros are no evidence of one
    for dtype in ("bfloat16", "float32"):
        held = all(np.array_equal(A, rounded(A, dtype)) for A in evidence.actual.values())
        if UNIT[dtype] > UNIT[evidence.dtype] and held and worst_ratio(evidence, dtype) is not None:
            yield Explanation("precision", dtype, f"was computed or stored in {dtype}: every value is one of {dtype}")
            return


def rounding_size(evidence: Evidence) -> Iterator[Explanation]:
    """The finest coarser dtype in which the result agrees, with an error as large as its rounding makes one."""
    for dtype in ("float32", "tf32", "bfloat16"):
        ratio = worst_ratio(evidence, dtype) if UNIT[dtype] > UNIT[evidence.dtype] else None
        if ratio is not None:
            if ratio >= 1 / LIMIT:
                yield Explanation(
                    "rounding_size", dtype, f"has an error of the size of {dtype} rounding, cause unknown"
                )
            return


def worst_ratio(evidence: Evidence, dtype: str) -> float | None:
    """The ratio in units of another dtype's rounding; None where the result would disagree there too."""
    found = [distance(evidence.actual[path], leaf, dtype) for path, leaf in evidence.reference.leaves.items()]
    return max(d.ratio for d in found) if all(d.agrees for d in found) else None
