"""Elementwise functions; every branch of a program goes through `branch`."""

from __future__ import annotations

from typing import Any

import numpy as np

from xcheck.exact.conventions import tie
from xcheck.exact.namespace.array import Array, Condition, halves
from xcheck.exact.namespace.core import Core


class Elementwise(Core):
    """Arithmetic, functions of one variable, and choices between two values."""

    def add(self, a: Any, b: Any) -> Array:
        return Array(self, self.alg.add(*self.pair(a, b)))

    def subtract(self, a: Any, b: Any) -> Array:
        return Array(self, self.alg.sub(*self.pair(a, b)))

    def multiply(self, a: Any, b: Any) -> Array:
        return Array(self, self.alg.mul(*self.pair(a, b)))

    def divide(self, a: Any, b: Any) -> Array:
        return self.multiply(a, self.unary("reciprocal", b))

    def negative(self, a: Any) -> Array:
        return Array(self, self.alg.neg(self.asarray(a).value))

    def square(self, a: Any) -> Array:
        return self.multiply(a, a)

    def pow(self, a: Any, exponent: float) -> Array:
        """Powers of integers and halves by products and a root; others as `exp(exponent log a)`, for a > 0."""
        if not isinstance(exponent, (int, float)):
            return self.exp(self.multiply(exponent, self.log(a)))
        double = halves(exponent)
        if double is None:
            return self.exp(self.multiply(exponent, self.log(a)))
        power = self._integer_power(
            self.asarray(a) if double % 2 == 0 else self.sqrt(a), abs(double) >> (double % 2 == 0)
        )
        return power if double >= 0 else self.unary("reciprocal", power)

    def _integer_power(self, a: Array, exponent: int) -> Array:
        if exponent == 0:
            return self.asarray(np.ones(a.shape))
        if exponent == 1:
            return a
        half = self._integer_power(a, exponent // 2)
        square = half * half
        return square * a if exponent % 2 else square

    def exp(self, a: Any) -> Array:
        return self.unary("exp", a)

    def expm1(self, a: Any) -> Array:
        return self.unary("expm1", a)

    def log(self, a: Any) -> Array:
        return self.unary("log", a)

    def log1p(self, a: Any) -> Array:
        return self.unary("log1p", a)

    def sqrt(self, a: Any) -> Array:
        return self.unary("sqrt", a)

    def tanh(self, a: Any) -> Array:
        return self.unary("tanh", a)

    def sin(self, a: Any) -> Array:
        return self.unary("sin", a)

    def cos(self, a: Any) -> Array:
        return self.unary("cos", a)

    def abs(self, a: Any) -> Array:
        return self.branch("abs", a, a, self.negative(a))

    def maximum(self, a: Any, b: Any) -> Array:
        return self.branch("maximum", self.subtract(a, b), a, b)

    def minimum(self, a: Any, b: Any) -> Array:
        return self.branch("minimum", self.subtract(b, a), a, b)

    def clip(self, a: Any, min: float | None = None, max: float | None = None) -> Array:
        a = self.asarray(a)
        if min is not None:
            a = self.branch("clip", self.subtract(a, min), a, min)
        return a if max is None else self.branch("clip", self.subtract(max, a), a, max)

    def greater(self, a: Any, b: Any) -> Condition:
        return Condition(self._weight("where", self.subtract(a, b)))

    def where(self, condition: Condition | np.ndarray, a: Any, b: Any) -> Array:
        """a where the condition holds, else b; the condition is a comparison, or a NumPy mask."""
        if not isinstance(condition, Condition):
            condition = Condition(np.asarray(condition, dtype=np.float64))
        return self._select(condition.weight, *((b, a) if condition.flipped else (a, b)))

    def branch(self, kind: str, sign: Any, a: Any, b: Any) -> Array:
        """a where `sign > 0`, b where `sign < 0`, and at 0 what the framework makes of this kind of kink."""
        return self._select(self._weight(kind, self.asarray(sign)), a, b)

    def _weight(self, kind: str, sign: Array) -> np.ndarray:
        signs = self.alg.sign(sign.value)
        return np.where(signs == 0, tie(kind, self.framework), signs > 0)

    def _select(self, weight: np.ndarray, a: Any, b: Any) -> Array:
        a, b = self.asarray(a), self.asarray(b)
        shape = np.broadcast_shapes(weight.shape, a.shape, b.shape)
        first, second = (self.broadcast_to(x, shape).value for x in (a, b))
        return Array(self, self.alg.select(np.broadcast_to(weight, shape), first, second))
