"""Emulated rounding: a program in float64 whose results are rounded to a coarser dtype, everywhere or in places.

Sums and products of matrices are rounded once, at their end: frameworks add bfloat16 in float32, and float32 in an
order of their own.
"""

from __future__ import annotations

import numpy as np

from xcheck.arrays import rounded
from xcheck.exact.monte_carlo import MonteCarlo


class Rounding(MonteCarlo):
    """float64 without noise, and `dtype` for what a subclass rounds."""

    def __init__(self, dtype: str) -> None:
        super().__init__(noise=0.0)
        self.dtype = dtype

    def to(self, a: np.ndarray) -> np.ndarray:
        """Rounded to the dtype; TF32 keeps ten bits after the first, and not what is stored of it, as in `rounded`."""
        if self.dtype != "tf32":
            return rounded(np.asarray(a, dtype=np.float64), self.dtype)
        fraction, exponent = np.frexp(a)
        return np.ldexp(np.round(fraction * 2.0**11), exponent - 11)


class Emulated(Rounding):
    """Numbers of `dtype`, "float32" or "bfloat16", held in float64.

    >>> alg = Emulated("bfloat16")
    >>> float(alg.add(alg.literal(1.0), alg.literal(2.0**-9)))
    1.0
    """

    def noisy(self, a: np.ndarray, scale: np.ndarray | None = None) -> np.ndarray:
        """The result of an operation, rounded: its error is no draw."""
        return self.to(a)

    def constant(self, values: np.ndarray) -> np.ndarray:
        return self.to(values)

    def literal(self, number: float) -> np.ndarray:
        return self.to(np.asarray(float(number)))


class EmulatedProducts(Rounding):
    """float64, but matrix products in `dtype`, of which "tf32" rounds the factors alone.

    >>> float(EmulatedProducts("tf32").matmul(np.array([[1 + 2.0**-12]]), np.array([[3.0]]))[0, 0])
    3.0
    """

    def matmul(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        product = self.to(a) @ self.to(b)
        return product if self.dtype == "tf32" else self.to(product)


class EmulatedFunctions(Rounding):
    """float64, but functions of one variable in `dtype`: an activation in a narrow kernel.

    >>> float(EmulatedFunctions("bfloat16").call("exp", np.array(0.0)))
    1.0
    """

    def call(self, name: str, a: np.ndarray) -> np.ndarray:
        return self.to(super().call(name, self.to(a)))
