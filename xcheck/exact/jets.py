"""Jets: truncated Taylor series in t, along many directions at once.

A jet of order K is `[c_0, c_1, ..., c_K]`; c_0 has the shape s of the value and c_k, for k >= 1, the shape (T, *s) for
T directions. A coefficient that is zero by structure is None and costs nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import factorial
from typing import Any

import numpy as np

from xcheck._errors import Undecidable
from xcheck.exact.algebra import Choice, Shape
from xcheck.exact.functions import series

KINK = "the case sits exactly on a kink, where the derivative is a convention: say kinks=True and ask for a framework"


@dataclass(frozen=True)
class Jet:
    """Taylor coefficients; `coefficients[k]` is None where it vanishes by structure."""

    coefficients: tuple[Any, ...]

    @property
    def shape(self) -> Shape:
        return self.coefficients[0].shape


class Jets:
    """Taylor arithmetic of order `order` over a base algebra."""

    opens_ties = False  # a jet says whether it moves

    def __init__(self, base: Any, order: int = 1) -> None:
        self.base = base
        self.order = order

    def lift(self, value: Any, *higher: Any) -> Jet:
        """A jet from base values; missing coefficients are zero."""
        return Jet((value, *higher, *[None] * (self.order - len(higher))))

    def constant(self, values: np.ndarray) -> Jet:
        return self.lift(self.base.constant(values))

    def literal(self, number: float) -> Jet:
        return self.lift(self.base.literal(number))

    def ones_like(self, a: Jet) -> Jet:
        return self.lift(self.base.ones_like(a.coefficients[0]))

    def _each(self, a: Jet, plain: Any, directed: Any) -> Jet:
        """A linear map: `plain` on c_0, `directed` on the coefficients with a direction axis in front."""
        first, *rest = a.coefficients
        return Jet((plain(first), *[None if c is None else directed(c) for c in rest]))

    def _both(self, a: Jet, b: Jet, op: Any, only_b: Any) -> Jet:
        out = []
        for x, y in zip(a.coefficients, b.coefficients, strict=True):
            out.append(only_b(y) if x is None and y is not None else x if y is None else op(x, y))
        return Jet(tuple(out))

    def add(self, a: Jet, b: Jet) -> Jet:
        return self._both(a, b, self.base.add, lambda y: y)

    def sub(self, a: Jet, b: Jet) -> Jet:
        return self._both(a, b, self.base.sub, self.base.neg)

    def neg(self, a: Jet) -> Jet:
        return self._each(a, self.base.neg, self.base.neg)

    def scale(self, a: Jet, factor: Fraction | int) -> Jet:
        return self._each(a, lambda c: self.base.scale(c, factor), lambda c: self.base.scale(c, factor))

    def _bilinear(self, a: Jet, b: Jet, op: Any) -> Jet:
        """`c_k = sum_i op(a_i, b_{k-i})`."""
        out = []
        for k in range(self.order + 1):
            total = None
            for i in range(k + 1):
                x, y = a.coefficients[i], b.coefficients[k - i]
                if x is not None and y is not None:
                    term = op(x, y)
                    total = term if total is None else self.base.add(total, term)
            out.append(total)
        return Jet(tuple(out))

    def mul(self, a: Jet, b: Jet) -> Jet:
        return self._bilinear(a, b, self.base.mul)

    def matmul(self, a: Jet, b: Jet) -> Jet:
        return self._bilinear(a, b, self.base.matmul)

    def unary(self, name: str, a: Jet, derivative: int = 0) -> Jet:
        """`f^(d)(a)` by composition: `sum_k g_k u^k` with `u = a - a_0` and g the Taylor series of f^(d) at a_0."""
        first, *rest = a.coefficients
        constant = all(c is None for c in rest)
        order = 0 if constant else self.order
        f = series(self.base, name, first, order + derivative)
        g = [
            self.base.scale(f[k + derivative], factorial(k + derivative) // factorial(k)) if derivative else f[k]
            for k in range(order + 1)
        ]
        out: list[Any] = [g[0], *[None] * self.order]
        power = Jet((None, *rest))
        for k in range(1, order + 1):
            for i, c in enumerate(power.coefficients):
                if c is not None:
                    term = self.base.mul(c, g[k])
                    out[i] = term if out[i] is None else self.base.add(out[i], term)
            if k < order:
                power = self._bilinear(power, Jet((None, *rest)), self.base.mul)
        return Jet(tuple(out))

    def zeros(self, shape: Shape) -> Jet:
        return self.lift(self.base.zeros(shape))

    def floats(self, a: Jet) -> np.ndarray:
        return self.base.floats(a.coefficients[0])

    def sign(self, a: Jet) -> np.ndarray:
        return self.base.sign(a.coefficients[0])

    def settle(self, weight: np.ndarray, of: Choice | None = None) -> np.ndarray:
        return self.base.settle(weight, of)

    def select(self, weight: np.ndarray, a: Jet, b: Jet) -> Jet:
        """Where no convention decides (NaN), the two branches must have the same derivatives."""
        weight = self.settle(weight)
        out = [self.base.select(weight, a.coefficients[0], b.coefficients[0])]
        open_ = np.isnan(weight)
        for x, y in zip(a.coefficients[1:], b.coefficients[1:], strict=True):
            if x is None and y is None:
                out.append(None)
                continue
            x = self.base.zeros(y.shape) if x is None else x
            y = self.base.zeros(x.shape) if y is None else y
            if open_.any() and not self.base.agree(x, y, open_):
                raise Undecidable(KINK)
            out.append(self.base.select(weight, x, y))
        return Jet(tuple(out))

    def agree(self, a: Jet, b: Jet, where: np.ndarray) -> bool:
        for x, y in zip(a.coefficients, b.coefficients, strict=True):
            if x is None and y is None:
                continue
            x = self.base.zeros(y.shape) if x is None else x
            y = self.base.zeros(x.shape) if y is None else y
            if not self.base.agree(x, y, where):
                return False
        return True

    def sum(self, a: Jet, axes: tuple[int, ...]) -> Jet:
        later = tuple(k + 1 for k in axes)
        return self._each(a, lambda c: self.base.sum(c, axes), lambda c: self.base.sum(c, later))

    def normwise(self, a: Jet, axes: tuple[int, ...], growth: float) -> Jet:
        later = tuple(k + 1 for k in axes)
        return self._each(
            a, lambda c: self.base.normwise(c, axes, growth), lambda c: self.base.normwise(c, later, growth)
        )

    def reshape(self, a: Jet, shape: Shape) -> Jet:
        base = self.base
        return self._each(a, lambda c: base.reshape(c, shape), lambda c: base.reshape(c, (c.shape[0], *shape)))

    def transpose(self, a: Jet, axes: tuple[int, ...]) -> Jet:
        later = (0, *(k + 1 for k in axes))
        return self._each(a, lambda c: self.base.transpose(c, axes), lambda c: self.base.transpose(c, later))

    def broadcast(self, a: Jet, shape: Shape) -> Jet:
        def directed(c: Any) -> Any:
            lead, own = c.shape[0], c.shape[1:]
            padded = (lead, *[1] * (len(shape) - len(own)), *own)
            return self.base.broadcast(self.base.reshape(c, padded), (lead, *shape))

        return self._each(a, lambda c: self.base.broadcast(c, shape), directed)

    def index(self, a: Jet, key: Any) -> Jet:
        return self._each(a, lambda c: self.base.index(c, key), lambda c: self.base.index(c, (slice(None), *key)))

    def scatter(self, a: Jet, key: Any, shape: Shape) -> Jet:
        def directed(c: Any) -> Any:
            return self.base.scatter(c, (slice(None), *key), (c.shape[0], *shape))

        return self._each(a, lambda c: self.base.scatter(c, key, shape), directed)

    def concat(self, parts: Sequence[Jet], axis: int) -> Jet:
        out = []
        for k in range(self.order + 1):
            column = [part.coefficients[k] for part in parts]
            lead = next((c.shape[0] for c in column if c is not None), None)
            if lead is None:
                out.append(None)
                continue
            if k:
                column = [
                    self.base.zeros((lead, *part.shape)) if c is None else c
                    for c, part in zip(column, parts, strict=True)
                ]
            out.append(self.base.concat(column, axis + (k > 0)))
        return Jet(tuple(out))
