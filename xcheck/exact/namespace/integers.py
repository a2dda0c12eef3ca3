"""IntegerArray: tokens, labels and counts; their arithmetic is that of the integers, and they have no derivative."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from xcheck._errors import CaseError
from xcheck.exact.algebra import Shape
from xcheck.exact.namespace.condition import STRUCTURE
from xcheck.exact.namespace.operators import Numbers

#: What integers make of two integers, in integers.
OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "add": lambda a, b: a + b, "subtract": lambda a, b: a - b, "multiply": lambda a, b: a * b,
    "floor_divide": lambda a, b: a // b, "remainder": lambda a, b: a % b, "pow": lambda a, b: a**b,
    "maximum": np.maximum, "minimum": np.minimum, "matmul": np.matmul,
}  # fmt: skip
COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {"greater": np.greater, "not_equal": np.not_equal}


class IntegerArray(Numbers):
    """Integers in NumPy's int64; with a real number beside them they count as reals."""

    __slots__ = ("value",)
    noun = "an integer array"

    def __init__(self, xp: Any, value: Any) -> None:
        super().__init__(xp)
        object.__setattr__(self, "value", wide(value))

    @property
    def shape(self) -> Shape:
        return self.value.shape

    def moved(self, operation: str, *how: Any) -> IntegerArray:
        """The same entries in other places: reshape, transpose, broadcast or index."""
        return IntegerArray(self.xp, getattr(STRUCTURE, operation)(self.value, *how))

    def _number(self, what: str) -> int:
        if self.size != 1:
            self._refuse(what, f"its shape is {self.shape}")
        return int(self.value.item())

    def __int__(self) -> int:
        return self._number("__int__")

    def __index__(self) -> int:
        return self._number("__index__")

    def __bool__(self) -> bool:
        return bool(self._number("truth value"))

    def __floordiv__(self, other: Any) -> Any:
        return self.xp.floor_divide(self, other)

    def __rfloordiv__(self, other: Any) -> Any:
        return self.xp.floor_divide(other, self)

    def __mod__(self, other: Any) -> Any:
        return self.xp.remainder(self, other)

    def __rmod__(self, other: Any) -> Any:
        return self.xp.remainder(other, self)


def unbounded(operation: str, *operands: np.ndarray) -> np.ndarray:
    """An operation in Python's integers, which do not wrap around.

    Raises:
        CaseError: a division by 0, a negative power, or one that is too large to be computed.
    """
    if operation in ("floor_divide", "remainder") and not np.all(operands[1]):
        raise CaseError(f"{operation} of integers by 0 has no value")
    if operation == "pow" and np.any(operands[1] < 0):
        raise CaseError("a negative power of integers is no integer; make the base a real number first")
    if operation == "pow" and np.any((np.abs(operands[0]) > 1) & (operands[1] > 64)):
        raise CaseError("a power of integers goes far beyond 64 bits, where the frameworks wrap around")
    return OPERATIONS[operation](*(np.asarray(x).astype(object) for x in operands))


def wide(values: Any) -> np.ndarray:
    """int64, in which nothing has wrapped around.

    >>> wide(np.array([2**62, 2], dtype=object) * 2)
    Traceback (most recent call last):
    ...
    xcheck._errors.CaseError: integers of a program reach 9223372036854775808, and wrap around in 64 bits
    """
    values = np.asarray(values)
    if values.dtype.kind in "iub" and values.dtype != np.uint64:
        return values.astype(np.int64)
    extremes = [int(x) for x in values.ravel()]
    largest = max(extremes, key=abs, default=0)
    if not -(2**63) <= largest < 2**63:
        raise CaseError(f"integers of a program reach {largest}, and wrap around in 64 bits")
    return values.astype(np.int64)
