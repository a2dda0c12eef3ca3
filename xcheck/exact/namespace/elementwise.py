"""Elementwise functions: arithmetic, of integers in integers, and functions of one variable."""

from __future__ import annotations

from typing import Any

import numpy as np

from xcheck._errors import CaseError, UnknownPrimitive
from xcheck.exact.namespace.array import Array, halves
from xcheck.exact.namespace.condition import Condition
from xcheck.exact.namespace.constants import number
from xcheck.exact.namespace.integers import IntegerArray, unbounded
from xcheck.exact.namespace.logic import Logic


class Elementwise(Logic):
    """Arithmetic, functions of one variable, and the larger and smaller of two."""

    def _integers(self, operation: str, *operands: Any) -> IntegerArray | None:
        """An operation of integers, exactly; None where an operand is real."""
        counts = self.counts(*operands)
        return None if counts is None else IntegerArray(self, unbounded(operation, *counts))

    def add(self, a: Any, b: Any) -> Any:
        whole = self._integers("add", a, b)
        return Array(self, self.alg.add(*self.pair(a, b))) if whole is None else whole

    def subtract(self, a: Any, b: Any) -> Any:
        whole = self._integers("subtract", a, b)
        return Array(self, self.alg.sub(*self.pair(a, b))) if whole is None else whole

    def multiply(self, a: Any, b: Any) -> Any:
        whole = self._integers("multiply", a, b)
        return Array(self, self.alg.mul(*self.pair(a, b))) if whole is None else whole

    def divide(self, a: Any, b: Any) -> Array:
        if number(b) == 0:
            raise CaseError("a program divides by the number 0")
        return self.multiply(self.real(a), self.unary("reciprocal", b))

    def floor_divide(self, a: Any, b: Any) -> IntegerArray:
        return self._only_integers("floor_divide", a, b)

    def remainder(self, a: Any, b: Any) -> IntegerArray:
        return self._only_integers("remainder", a, b)

    def _only_integers(self, operation: str, a: Any, b: Any) -> IntegerArray:
        whole = self._integers(operation, a, b)
        if whole is None:
            raise UnknownPrimitive(f"xp.{operation} of reals is not in the exact namespace; of integers it is")
        return whole

    def negative(self, a: Any) -> Any:
        if isinstance(a, Condition):
            raise self.no_number()
        whole = self._integers("subtract", 0, a)
        return Array(self, self.alg.neg(self.real(a).value)) if whole is None else whole

    def positive(self, a: Any) -> Any:
        return +self.placed(a)

    def square(self, a: Any) -> Any:
        return self.multiply(a, a)

    def pow(self, a: Any, exponent: Any) -> Any:
        """Powers of integers and halves by products and a root; others as `exp(exponent log a)`, for a > 0."""
        whole = self._integers("pow", a, exponent)
        if whole is not None:
            return whole
        power = number(exponent)
        if power is None:
            return self._each_power(a, exponent)
        double = halves(power) if np.isfinite(power) else None
        if double is None:
            return self._real_power(a, power)
        base = self.real(a)
        result = self._integer_power(base if double % 2 == 0 else self.sqrt(base), abs(double) >> (double % 2 == 0))
        return result if double >= 0 else self.unary("reciprocal", result)

    def _integer_power(self, a: Array, exponent: int) -> Array:
        if exponent == 0:
            return self.real(np.ones(a.shape))
        if exponent == 1:
            return a
        half = self._integer_power(a, exponent // 2)
        square = half * half
        return square * a if exponent % 2 else square

    def _each_power(self, a: Any, exponent: Any) -> Array:
        """An array of exponents; each of its integers is a power by products."""
        exponents = self.operand(exponent)
        if not isinstance(exponents, IntegerArray):
            return self._real_power(a, exponents)
        found: Any = 1.0
        for power in np.unique(exponents.value):
            found = self.where(exponents == int(power), self.pow(self.real(a), int(power)), found)
        return found

    def _real_power(self, a: Any, exponent: Any) -> Array:
        base = self.real(a)
        if (self.alg.floats(base.value) <= 0).any():
            raise UnknownPrimitive("x ** y with a y that is no integer and no half is exp(y log x), for x > 0 alone")
        return self.exp(self.multiply(exponent, self.log(base)))

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

    def abs(self, a: Any) -> Any:
        a = self.placed(a)
        return self.maximum(a, -a) if isinstance(a, IntegerArray) else self.branch("abs", a, a, self.negative(a))

    def sign(self, a: Any) -> Any:
        """-1, 0 or 1; it jumps at 0, where its derivative is none."""
        above, below = self.greater(a, 0), self.less(a, 0)
        return self.subtract(self.real(above), self.real(below))

    def maximum(self, a: Any, b: Any) -> Any:
        whole = self._integers("maximum", a, b)
        return self.branch("maximum", self.subtract(a, b), a, b) if whole is None else whole

    def minimum(self, a: Any, b: Any) -> Any:
        whole = self._integers("minimum", a, b)
        return self.branch("minimum", self.subtract(b, a), a, b) if whole is None else whole

    def clip(self, a: Any, min: Any = None, max: Any = None) -> Any:
        a = self.placed(a)
        if isinstance(a, IntegerArray):
            a = a if min is None else self.maximum(a, min)
            return a if max is None else self.minimum(a, max)
        if min is not None:
            a = self.branch("clip", self.subtract(a, min), a, min)
        return a if max is None else self.branch("clip", self.subtract(max, a), a, max)
