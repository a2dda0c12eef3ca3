"""Operators of numbers: Python's symbols for the functions of the namespace, for reals and for integers."""

from __future__ import annotations

from typing import Any

from xcheck.exact.namespace.condition import Condition
from xcheck.exact.namespace.protocols import Strict


class Numbers(Strict):
    """What `Array` and `IntegerArray` share: arithmetic and comparisons, each by the function of its name."""

    __slots__ = ()

    def __add__(self, other: Any) -> Any:
        return self.xp.add(self, other)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        return self.xp.subtract(self, other)

    def __rsub__(self, other: Any) -> Any:
        return self.xp.subtract(other, self)

    def __mul__(self, other: Any) -> Any:
        return self.xp.multiply(self, other)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        return self.xp.divide(self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return self.xp.divide(other, self)

    def __matmul__(self, other: Any) -> Any:
        return self.xp.matmul(self, other)

    def __rmatmul__(self, other: Any) -> Any:
        return self.xp.matmul(other, self)

    def __pow__(self, exponent: Any) -> Any:
        return self.xp.pow(self, exponent)

    def __rpow__(self, base: Any) -> Any:
        return self.xp.pow(base, self)

    def __neg__(self) -> Any:
        return self.xp.negative(self)

    def __pos__(self) -> Any:
        return self

    def __abs__(self) -> Any:
        return self.xp.abs(self)

    def __gt__(self, other: Any) -> Condition:
        return self.xp.greater(self, other)

    def __lt__(self, other: Any) -> Condition:
        return self.xp.less(self, other)

    def __ge__(self, other: Any) -> Condition:
        return self.xp.greater_equal(self, other)

    def __le__(self, other: Any) -> Condition:
        return self.xp.less_equal(self, other)

    def __eq__(self, other: object) -> Condition:  # type: ignore[override]
        return self.xp.equal(self, other)

    def __ne__(self, other: object) -> Condition:  # type: ignore[override]
        return self.xp.not_equal(self, other)

    __hash__ = Strict.__hash__
