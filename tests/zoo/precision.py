"""Computed or stored in a coarser dtype than the one that was asked for."""

from __future__ import annotations

import numpy as np

from xcheck.arrays import rounded
from zoo._defect import Defect, Right, every


def tf32(A):
    """Ten bits of mantissa, by rounding to nearest."""
    bits = A.astype(np.float32).view(np.uint32) + np.uint32(0x1000)
    return (bits & np.uint32(0xFFFFE000)).view(np.float32).astype(np.float64)


def computed_in(convert):
    """An error of that rounding, but in full precision: a partial sum was rounded, and float64 work followed."""

    def wrong(right: Right):
        return {path: convert(A / 3) * 3 for path, A in right.leaves.items()}

    return wrong


#: Its size is all that can be told of such an error: no rerun of the program rounds in that place alone.
UNKNOWN = {"named": (), "also": ("precision", "few_entries")}
OF_SINGLE = {"named": (), "also": ("precision", "few_entries", "rounding_size")}
PRECISION = (
    Defect("stored_as_float32", every(lambda A: rounded(A, "float32")), ("precision",), dtypes=("float64",)),
    Defect("stored_as_bfloat16", every(lambda A: rounded(A, "bfloat16")), ("precision",)),
    Defect("float32_inside", computed_in(lambda A: rounded(A, "float32")), **OF_SINGLE, dtypes=("float64",)),
    Defect("bfloat16_inside", computed_in(lambda A: rounded(A, "bfloat16")), **UNKNOWN),
    Defect("tf32_inside", computed_in(tf32), **UNKNOWN),
)
