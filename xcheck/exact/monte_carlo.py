"""Monte-Carlo arithmetic: float64 in which every result carries random relative noise (Parker 1997).

The response of a program to it is the rounding scale S: the conditioning of the computation, the same for every dtype,
to be multiplied by the dtype's unit roundoff.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import prod
from typing import Any

import numpy as np

from xcheck._errors import UnknownPrimitive
from xcheck.arrays import rounded
from xcheck.exact.arrays import ArrayAlgebra

NOISE = 2.0**-30
RUNS = 16


def _erf(x: np.ndarray) -> np.ndarray:
    from math import erf

    return np.vectorize(erf, otypes=[np.float64])(x)


FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "exp": np.exp,
    "expm1": np.expm1,
    "log": np.log,
    "log1p": np.log1p,
    "reciprocal": np.reciprocal,
    "sqrt": np.sqrt,
    "tanh": np.tanh,
    "sin": np.sin,
    "cos": np.cos,
    "sigmoid": lambda x: 0.5 * (1 + np.tanh(0.5 * x)),
    "softplus": lambda x: np.logaddexp(0.0, x),
    "erf": _erf,
    "erf_slope": lambda x: 2 / np.sqrt(np.pi) * np.exp(-x * x),
}


class MonteCarlo(ArrayAlgebra):
    """float64 with relative noise `noise * N(0, 1)` on the result of every operation; `noise=0` is plain float64."""

    zero = 0.0

    def __init__(self, seed: int = 0, noise: float = NOISE) -> None:
        self.noise = noise
        self.random = np.random.default_rng(seed)
        #: The arguments of all comparisons, in order: their spread over the runs gives the branch margin.
        self.compared: list[np.ndarray] = []

    def noisy(self, a: np.ndarray, scale: np.ndarray | None = None) -> np.ndarray:
        """`a` plus noise of the size of `scale`, or of `a` itself."""
        a = np.asarray(a)
        if self.noise == 0:
            return a
        draw = self.random.standard_normal(a.shape) * self.noise
        return a + draw * (a if scale is None else scale)

    def constant(self, values: np.ndarray) -> np.ndarray:
        return np.asarray(values, dtype=np.float64)

    def literal(self, number: float) -> np.ndarray:
        value = np.asarray(float(number))
        return value if rounded(value, "bfloat16") == value else self.noisy(value)

    def ones_like(self, a: np.ndarray) -> np.ndarray:
        return np.ones(a.shape)

    def add(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return self.noisy(a + b)

    def sub(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return self.noisy(a - b)

    def mul(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return self.noisy(a * b)

    def neg(self, a: np.ndarray) -> np.ndarray:
        return -a

    def scale(self, a: np.ndarray, factor: Fraction | int) -> np.ndarray:
        return a if factor == 1 else self.noisy(a * float(factor))

    def sum(self, a: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
        terms = prod(a.shape[k] for k in axes)
        if terms <= 1:
            return a.reshape([size for k, size in enumerate(a.shape) if k not in axes])
        return self._summed(a.sum(axis=axes), (a * a).sum(axis=axes), terms)

    def matmul(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        product = a @ b
        if a.shape[-1] == 1:
            return self.noisy(product)
        return self._summed(product, (a * a) @ (b * b), a.shape[-1])

    def _summed(self, total: np.ndarray, squares: np.ndarray, terms: int) -> np.ndarray:
        """Random rounding of the terms and of all partial sums of a sequential sum of `terms` numbers."""
        return self.noisy(total, np.sqrt(squares + terms * (total * total / 3 + squares / 2)))

    def call(self, name: str, a: np.ndarray) -> np.ndarray:
        if name not in FUNCTIONS:
            raise UnknownPrimitive(f"floats have no value of {name!r}; add it to xcheck/exact/monte_carlo.py")
        return self.noisy(FUNCTIONS[name](a))

    def sign(self, a: np.ndarray) -> np.ndarray:
        self.compared.append(a)
        return np.sign(a).astype(np.int8)
