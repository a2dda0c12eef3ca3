"""Lower precision: claimed only where every value is representable in it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from xcheck._dtypes import UNIT
from xcheck._judge import LIMIT, distance
from xcheck.arrays import rounded
from xcheck.diagnose._hypothesis import Evidence
from xcheck.result import Explanation


def precision(evidence: Evidence) -> Iterator[Explanation]:
    """`A` agrees with R in a coarser dtype, and is of that dtype, or at least as far off as its rounding makes it."""
    for dtype in ("float32", "tf32", "bfloat16"):
        if UNIT[dtype] <= UNIT[evidence.dtype]:
            continue
        found = [distance(evidence.actual[path], leaf, dtype) for path, leaf in evidence.reference.leaves.items()]
        if not all(d.agrees for d in found):
            continue
        if dtype != "tf32" and all(np.array_equal(A, rounded(A, dtype)) for A in evidence.actual.values()):
            yield Explanation("precision", dtype, f"was computed or stored in {dtype}: every value is one of {dtype}")
        elif max(d.ratio for d in found) >= 1 / LIMIT:
            yield Explanation("rounding_size", dtype, f"has an error of the size of {dtype} rounding, cause unknown")
        return
