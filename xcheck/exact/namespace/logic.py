"""Comparisons, what is made of them, and choices between two values; every branch of a program goes through here."""

from __future__ import annotations

from typing import Any

import numpy as np

from xcheck._errors import CaseError, UnknownPrimitive
from xcheck.exact.conventions import tie
from xcheck.exact.namespace.array import Array
from xcheck.exact.namespace.condition import Condition, moves
from xcheck.exact.namespace.constants import number, numbers
from xcheck.exact.namespace.core import Axis, Core, common_shape
from xcheck.exact.namespace.integers import COMPARISONS, IntegerArray
from xcheck.exact.namespace.protocols import Strict


class Logic(Core):
    """Comparisons decided on the whole ball, logic, and `where`."""

    def subtract(self, a: Any, b: Any) -> Any:
        raise NotImplementedError

    def counts(self, *operands: Any) -> list[np.ndarray] | None:
        """The operands as NumPy integers, where one is an array of integers or of comparisons and none is real.

        Raises:
            UnknownPrimitive: comparisons among themselves, whose arithmetic differs between libraries.
        """
        if not any(isinstance(x, (IntegerArray, Condition)) for x in operands):
            return None
        found = [whole_numbers(x) for x in operands]
        if any(x is None for x in found):
            return None
        if not any(isinstance(x, IntegerArray) or _kind(x) == "i" for x in operands):
            raise UnknownPrimitive(
                "comparisons have no arithmetic of their own: use xp.logical_and, or multiply by 1.0"
            )
        counts = [x for x in found if x is not None]
        common_shape(*(x.shape for x in counts))
        return counts

    @staticmethod
    def no_number() -> UnknownPrimitive:
        """What is said where comparisons alone are reckoned with, of which `True + True` may be 1 or 2."""
        return UnknownPrimitive("comparisons have no arithmetic of their own: use xp.logical_and, or multiply by 1.0")

    def greater(self, a: Any, b: Any) -> Condition:
        return self._compared("greater", a, b)

    def not_equal(self, a: Any, b: Any) -> Condition:
        return self._compared("not_equal", a, b)

    def less(self, a: Any, b: Any) -> Condition:
        return self.greater(b, a)

    def greater_equal(self, a: Any, b: Any) -> Condition:
        return ~self.greater(b, a)

    def less_equal(self, a: Any, b: Any) -> Condition:
        return ~self.greater(a, b)

    def equal(self, a: Any, b: Any) -> Condition:
        return ~self.not_equal(a, b)

    def _compared(self, comparison: str, a: Any, b: Any) -> Condition:
        """Comparisons that do not hold at a tie; where what is compared moves through the tie, they are open."""
        counts = self.counts(a, b)
        if counts is not None:
            return Condition(self, COMPARISONS[comparison](*counts))
        difference = self.subtract(self.real(a), self.real(b)).value
        signs = self.alg.sign(difference)
        open = np.isnan(tie("where", self.framework)) and (self.alg.opens_ties or moves(difference))
        return Condition(self, COMPARISONS[comparison](signs, 0), (signs == 0) & open)

    def logical_not(self, a: Any) -> Condition:
        return ~self.condition(a)

    def logical_and(self, a: Any, b: Any) -> Condition:
        return ~self.logical_or(~self.condition(a), ~self.condition(b))

    def logical_or(self, a: Any, b: Any) -> Condition:
        """Open where one is, unless the other holds."""
        a, b = self._conditions(a, b)
        settled = (a.holds & ~a.open) | (b.holds & ~b.open)
        return Condition(self, a.holds | b.holds, (a.open | b.open) & ~settled)

    def logical_xor(self, a: Any, b: Any) -> Condition:
        a, b = self._conditions(a, b)
        return Condition(self, a.holds ^ b.holds, a.open | b.open)

    def _conditions(self, a: Any, b: Any) -> tuple[Condition, Condition]:
        a, b = self.condition(a), self.condition(b)
        shape = common_shape(a.shape, b.shape)
        return self.broadcast_to(a, shape), self.broadcast_to(b, shape)

    def condition(self, x: Any) -> Condition:
        """A comparison, or a truth value or mask of Python or NumPy.

        Raises:
            CaseError: it is no truth value; PyTorch and JAX differ in what they make of numbers.
        """
        if isinstance(x, (bool, np.bool)):
            return Condition(self, np.asarray(x))
        found = x if isinstance(x, Strict) else self.operand(x)
        if not isinstance(found, Condition):
            raise CaseError(f"expected a comparison such as x > 0, or a mask of booleans, not {found!r}")
        return found

    def any(self, a: Any, *, axis: Axis = None, keepdims: bool = False) -> Condition:
        """Open where an open entry decides, and none that holds."""
        a = self.condition(a)
        over = {"axis": self.axes(a, axis), "keepdims": keepdims}
        settled = (a.holds & ~a.open).any(**over)
        return Condition(self, a.holds.any(**over), a.open.any(**over) & ~settled)

    def all(self, a: Any, *, axis: Axis = None, keepdims: bool = False) -> Condition:
        return ~self.any(~self.condition(a), axis=axis, keepdims=keepdims)

    def where(self, condition: Any, a: Any, b: Any) -> Any:
        """a where the condition holds, else b; the condition is a comparison, or a NumPy mask."""
        chosen = self.condition(condition)
        counts = self.counts(a, b)
        if counts is not None:
            return IntegerArray(self, np.where(chosen.decided(), *counts))
        swapped = chosen.open & chosen.holds
        if not swapped.any():
            return self._select(chosen.weight, a, b)
        # The second branch is the value where it is open, so that a and b change places there.
        return self._select((~chosen).weight, b, a) if swapped[chosen.open].all() else self._swapped(chosen, a, b)

    def _swapped(self, chosen: Condition, a: Any, b: Any) -> Array:
        swap = (chosen.open & chosen.holds).astype(np.float64)
        return self._select(chosen.weight, self._select(swap, b, a), self._select(swap, a, b))

    def branch(self, kind: str, sign: Any, a: Any, b: Any) -> Array:
        """a where `sign > 0`, b where `sign < 0`, and at 0 what the framework makes of this kind of kink."""
        signs = self.alg.sign(self.real(sign).value)
        return self._select(np.where(signs == 0, tie(kind, self.framework), signs > 0), a, b)

    def _select(self, weight: np.ndarray, a: Any, b: Any) -> Array:
        a, b = self.real(a), self.real(b)
        shape = common_shape(weight.shape, a.shape, b.shape)
        first, second = (self.broadcast_to(x, shape).value for x in (a, b))
        return Array(self, self.alg.select(np.broadcast_to(weight, shape), first, second))


def whole_numbers(x: Any) -> np.ndarray | None:
    """The integers of NumPy that an operand stands for, comparisons counting as 0 and 1; None where it is real."""
    if isinstance(x, Condition):
        return x.decided().astype(np.int64)
    if isinstance(x, IntegerArray):
        return x.value
    kind = _kind(x)
    return None if kind == "f" else np.asarray(x if number(x) is None else number(x), dtype=object)


def _kind(x: Any) -> str:
    """ "i", "b" or "f", of an array or a number."""
    if isinstance(x, Condition):
        return "b"
    if isinstance(x, Strict):
        return "i" if isinstance(x, IntegerArray) else "f"
    if number(x) is not None:
        return "b" if isinstance(x, (bool, np.bool)) else "i" if isinstance(number(x), int) else "f"
    kind = numbers(x).dtype.kind
    return "i" if kind == "u" else kind
