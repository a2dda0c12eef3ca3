"""Emulated rounding: a program in float64 whose every result, number and literal is rounded to a coarser dtype.

Sums and products of matrices are rounded once, at their end: frameworks add bfloat16 in float32, and float32 in an
order of their own.
"""

from __future__ import annotations

import numpy as np

from xcheck.arrays import rounded
from xcheck.exact.monte_carlo import MonteCarlo


class Emulated(MonteCarlo):
    """Numbers of `dtype`, "float32" or "bfloat16", held in float64.

    >>> alg = Emulated("bfloat16")
    >>> float(alg.add(alg.literal(1.0), alg.literal(2.0**-9)))
    1.0
    """

    def __init__(self, dtype: str) -> None:
        super().__init__(noise=0.0)
        self.dtype = dtype

    def noisy(self, a: np.ndarray, scale: np.ndarray | None = None) -> np.ndarray:
        """The result of an operation, rounded: its error is no draw."""
        return rounded(a, self.dtype)

    def constant(self, values: np.ndarray) -> np.ndarray:
        return rounded(np.asarray(values, dtype=np.float64), self.dtype)

    def literal(self, number: float) -> np.ndarray:
        return rounded(np.asarray(float(number)), self.dtype)
