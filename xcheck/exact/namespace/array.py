"""Array: a value with its algebra; Dtype: what it is of, which a program can only hand on."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from xcheck.exact.algebra import Shape
from xcheck.exact.namespace.operators import Numbers
from xcheck.exact.namespace.protocols import Strict


class Dtype(Strict):
    """The dtype of the run, whichever that is; a program can hand it on, and not branch on it."""

    noun = "a dtype"

    @property
    def shape(self) -> Shape:
        self._refuse("shape", "it is no array")

    def __repr__(self) -> str:
        return "<the dtype of the run>"


REAL = Dtype(None)


class Array(Numbers):
    """Real numbers in an algebra; programs see them as they see any array."""

    __slots__ = ("value",)
    noun = "an array"

    def __init__(self, xp: Any, value: Any) -> None:
        super().__init__(xp)
        object.__setattr__(self, "value", value)

    @property
    def shape(self) -> Shape:
        return tuple(self.value.shape)

    @property
    def dtype(self) -> Dtype:
        return REAL

    def moved(self, operation: str, *how: Any) -> Array:
        """The same entries in other places: reshape, transpose, broadcast or index."""
        return Array(self.xp, getattr(self.xp.alg, operation)(self.value, *how))

    def __bool__(self) -> bool:
        """Whether it is not 0; as in NumPy, of one entry only."""
        return bool(self != 0)


def halves(exponent: float) -> int | None:
    """Twice the exponent, where that is an integer.

    >>> halves(1.5), halves(0.1)
    (3, None)
    """
    double = 2 * Fraction(exponent)
    return double.numerator if double.denominator == 1 else None
