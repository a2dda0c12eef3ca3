"""Array: a value with its algebra, and the operators that programs use; Condition: what a comparison decided."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from xcheck.exact.algebra import Shape


class Array:
    """A value of an algebra; programs see it as they see any array."""

    __array_priority__ = 1000  # NumPy arrays on the left give way

    def __init__(self, xp: Any, value: Any) -> None:
        self.xp = xp
        self.value = value

    @property
    def shape(self) -> Shape:
        return tuple(self.value.shape)

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def T(self) -> Array:
        return self.xp.permute_dims(self, tuple(reversed(range(self.ndim))))

    def __add__(self, other: Any) -> Array:
        return self.xp.add(self, other)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Array:
        return self.xp.subtract(self, other)

    def __rsub__(self, other: Any) -> Array:
        return self.xp.subtract(other, self)

    def __mul__(self, other: Any) -> Array:
        return self.xp.multiply(self, other)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Array:
        return self.xp.divide(self, other)

    def __rtruediv__(self, other: Any) -> Array:
        return self.xp.divide(other, self)

    def __matmul__(self, other: Any) -> Array:
        return self.xp.matmul(self, other)

    def __rmatmul__(self, other: Any) -> Array:
        return self.xp.matmul(other, self)

    def __neg__(self) -> Array:
        return self.xp.negative(self)

    def __abs__(self) -> Array:
        return self.xp.abs(self)

    def __pow__(self, exponent: float) -> Array:
        return self.xp.pow(self, exponent)

    def __gt__(self, other: Any) -> Condition:
        return self.xp.greater(self, other)

    def __lt__(self, other: Any) -> Condition:
        return self.xp.greater(other, self)

    def __ge__(self, other: Any) -> Condition:
        return ~self.xp.greater(other, self)

    def __le__(self, other: Any) -> Condition:
        return ~self.xp.greater(self, other)

    def __getitem__(self, key: Any) -> Array:
        return self.xp.index(self, key)

    def __bool__(self) -> bool:
        raise TypeError("an array of the exact namespace has no truth value; programs branch with xp.where")


@dataclass(frozen=True)
class Condition:
    """Where a comparison holds: 1 or 0, and NaN where its two sides are equal and only a convention decides.

    `flipped` says that the weights belong to the second branch, as for `>=`, whose ties are true.
    """

    weight: np.ndarray
    flipped: bool = False

    def __invert__(self) -> Condition:
        return Condition(self.weight, not self.flipped)


def halves(exponent: float) -> int | None:
    """Twice the exponent, where that is an integer.

    >>> halves(1.5), halves(0.1)
    (3, None)
    """
    double = 2 * Fraction(exponent)
    return double.numerator if double.denominator == 1 else None
