"""Emulated rounding: a program in float64 whose results are rounded to a coarser dtype, everywhere or in places.

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


class EmulatedProducts(MonteCarlo):
    """float64, but matrix products in `dtype`, of which "tf32" rounds the factors alone."""

    def __init__(self, dtype: str) -> None:
        super().__init__(noise=0.0)
        self.dtype = dtype

    def matmul(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        product = _to(a, self.dtype) @ _to(b, self.dtype)
        return product if self.dtype == "tf32" else _to(product, self.dtype)


class EmulatedFunctions(MonteCarlo):
    """float64, but functions of one variable in `dtype`: an activation in a narrow kernel."""

    def __init__(self, dtype: str) -> None:
        super().__init__(noise=0.0)
        self.dtype = dtype

    def call(self, name: str, a: np.ndarray) -> np.ndarray:
        return _to(super().call(name, _to(a, self.dtype)), self.dtype)


def _to(a: np.ndarray, dtype: str) -> np.ndarray:
    """TF32 keeps ten bits after the first; here, unlike in `rounded`, that is what it says."""
    if dtype != "tf32":
        return rounded(a, dtype)
    fraction, exponent = np.frexp(a)
    return np.ldexp(np.round(fraction * 2.0**11), exponent - 11)
