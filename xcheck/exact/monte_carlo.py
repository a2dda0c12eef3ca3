"""Monte-Carlo arithmetic: float64 in which every result carries random relative noise (Parker 1997).

The response of a program to it is the rounding scale S: the conditioning of the computation, the same for every dtype,
to be multiplied by the dtype's unit roundoff.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from math import prod
from typing import Any

import numpy as np

from xcheck._errors import UnknownPrimitive
from xcheck.arrays import rounded
from xcheck.exact.arrays import ArrayAlgebra

NOISE = 2.0**-30
RUNS = 16


def _unit(a: np.ndarray, axes: int | tuple[int, ...]) -> np.ndarray:
    """The power of two at the largest entry: division by it is exact, and the squares fit float64."""
    return np.ldexp(1.0, np.frexp(np.max(np.abs(a), axis=axes, keepdims=True, initial=0.0))[1] - 1)


def _erf(x: np.ndarray) -> np.ndarray:
    from math import erf

    return np.vectorize(erf, otypes=[np.float64])(x)


def _sigmoid(x: np.ndarray) -> np.ndarray:
    """`exp(min(x, 0)) / (1 + exp(-|x|))`: nothing cancels in either tail."""
    return np.exp(np.minimum(x, 0.0)) / (1.0 + np.exp(-np.abs(x)))


#: As accurate as their exact twins, in both tails: an error of the helper would be taken for honest rounding.
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
    "sigmoid": _sigmoid,
    "softplus": lambda x: np.logaddexp(0.0, x),
    "erf": _erf,
}

#: What frameworks compute by several operations, whose rounding is not that of the result: x^2 amplifies that of the
#: square in `2/sqrt(pi) exp(-x^2)`.
COMPOSED: dict[str, Callable[[Any, Any], Any]] = {
    "erf_slope": lambda alg, x: alg.mul(np.asarray(2 / np.sqrt(np.pi)), alg.call("exp", alg.neg(alg.mul(x, x)))),
}


class MonteCarlo(ArrayAlgebra):
    """float64 with relative noise `noise * N(0, 1)` on the result of every operation; `noise=0` is plain float64.

    `decisions` are those of a run without noise, which this one repeats in their order: noise that takes the other side
    of a kink would measure the jump, and not the rounding of the branch that is taken.
    """

    zero = 0.0

    def __init__(self, seed: int = 0, noise: float = NOISE, decisions: Sequence[np.ndarray] | None = None) -> None:
        self.noise = noise
        self.random = np.random.default_rng(seed)
        #: The arguments of all comparisons, in order: their spread over the runs gives the branch margin.
        self.compared: list[np.ndarray] = []
        #: What all branches, and all choices of a largest entry, were decided by.
        self.decisions: list[np.ndarray] = []
        self._repeated = decisions

    def noisy(self, a: np.ndarray, scale: np.ndarray | None = None) -> np.ndarray:
        """`a` plus noise of the size of `scale`, or of `a` itself."""
        a = np.asarray(a)
        if self.noise == 0:
            return a
        draw = self.random.standard_normal(a.shape) * self.noise
        size = a if scale is None else scale
        # The -inf of a mask is no result of rounding.
        return a + draw * (size if np.isfinite(a).all() else np.where(np.isfinite(a), size, 0.0))

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
        unit = _unit(a, axes)
        return self._summed(a.sum(axis=axes), ((a / unit) ** 2).sum(axis=axes), unit.squeeze(axes), terms)

    def matmul(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        product = a @ b
        if a.shape[-1] == 1:
            return self.noisy(product)
        left, right = _unit(a, -1), _unit(b, -2)
        with np.errstate(over="ignore", under="ignore"):  # where the units of both overflow, the product need not
            unit = np.clip(left * right, 2.0**-1074, 2.0**1023)
        return self._summed(product, (a / left) ** 2 @ (b / right) ** 2, unit, a.shape[-1])

    def _summed(self, total: np.ndarray, squares: np.ndarray, unit: np.ndarray, terms: int) -> np.ndarray:
        """Random rounding of the terms and of all partial sums of a sequential sum of `terms` numbers, whose `squares`
        are in units.
        """
        mean = (total / unit) ** 2 / 3
        return self.noisy(total, unit * np.sqrt(squares + terms * (mean + squares / 2)))

    def normwise(self, a: np.ndarray, axes: tuple[int, ...], growth: float) -> np.ndarray:
        """`a` plus noise of norm `growth ||a||` over the axes, in every entry, zeros too."""
        unit = _unit(a, axes)
        return self.noisy(a, growth * unit * np.sqrt(np.mean((a / unit) ** 2, axis=axes, keepdims=True)))

    def call(self, name: str, a: np.ndarray) -> np.ndarray:
        if name in COMPOSED:
            return COMPOSED[name](self, a)
        if name not in FUNCTIONS:
            raise UnknownPrimitive(f"floats have no value of {name!r}; add it to xcheck/exact/monte_carlo.py")
        return self.noisy(FUNCTIONS[name](a))

    def sign(self, a: np.ndarray) -> np.ndarray:
        self.compared.append(a)
        return self._decision(np.sign(a).astype(np.int8))

    def floats(self, a: np.ndarray) -> np.ndarray:
        return self._decision(a)

    def _decision(self, fresh: np.ndarray) -> np.ndarray:
        decided = fresh if self._repeated is None else self._repeated[len(self.decisions)]
        assert decided.shape == fresh.shape, "two runs of one program decide different things"
        self.decisions.append(decided)
        return decided

    def agree(self, a: np.ndarray, b: np.ndarray, where: np.ndarray) -> bool:
        """Floats prove nothing of the two sides of a kink: the balls have, before these measure the scale."""
        return True
