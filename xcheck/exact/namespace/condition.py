"""Condition: where a comparison holds, and where its two sides are equal so that a derivative has two branches."""

from __future__ import annotations

from typing import Any

import numpy as np

from xcheck._errors import Undecidable
from xcheck.exact.algebra import Shape
from xcheck.exact.arrays import ArrayAlgebra
from xcheck.exact.jets import KINK, Jet
from xcheck.exact.namespace.protocols import Strict
from xcheck.exact.tape import Node

STRUCTURE = ArrayAlgebra()


class Condition(Strict):
    """`holds` says where a comparison is true, which balls have decided. It is `open` at a tie of values that move: to
    one side of the point it holds and to the other it does not, so that derivatives must agree there.
    """

    __slots__ = ("holds", "open")
    noun = "a comparison"

    def __init__(self, xp: Any, holds: np.ndarray, open: np.ndarray | None = None) -> None:
        super().__init__(xp)
        object.__setattr__(self, "holds", np.asarray(holds, dtype=bool))
        object.__setattr__(self, "open", np.zeros(self.holds.shape, dtype=bool) if open is None else np.asarray(open))

    @property
    def shape(self) -> Shape:
        return self.holds.shape

    @property
    def weight(self) -> np.ndarray:
        """1 where it holds, 0 where it does not, NaN where it is open."""
        return np.where(self.open, np.nan, self.holds)

    def moved(self, operation: str, *how: Any) -> Condition:
        """The same entries in other places: reshape, transpose, broadcast or index."""
        move = getattr(STRUCTURE, operation)
        return Condition(self.xp, move(self.holds, *how), move(self.open, *how))

    def decided(self) -> np.ndarray:
        """Where it holds, for what has no derivative at a tie.

        Raises:
            Undecidable: it is open somewhere.
        """
        if self.open.any():
            raise Undecidable(KINK)
        return self.holds

    def __bool__(self) -> bool:
        if self.size != 1:
            self._refuse("truth value", f"its shape is {self.shape}; use xp.any, xp.all, or choose with xp.where")
        return bool(self.decided().item())

    def __invert__(self) -> Condition:
        return Condition(self.xp, ~self.holds, self.open)

    def __and__(self, other: Any) -> Condition:
        return self.xp.logical_and(self, other)

    __rand__ = __and__

    def __or__(self, other: Any) -> Condition:
        return self.xp.logical_or(self, other)

    __ror__ = __or__

    def __xor__(self, other: Any) -> Condition:
        return self.xp.logical_xor(self, other)

    __rxor__ = __xor__

    def __eq__(self, other: object) -> Condition:  # type: ignore[override]
        return ~self.xp.logical_xor(self, other)

    def __ne__(self, other: object) -> Condition:  # type: ignore[override]
        return self.xp.logical_xor(self, other)

    __hash__ = Strict.__hash__

    def __mul__(self, other: Any) -> Any:
        return self.xp.multiply(self, other)

    __rmul__ = __mul__

    def __add__(self, other: Any) -> Any:
        return self.xp.add(self, other)

    __radd__ = __add__

    def __rsub__(self, other: Any) -> Any:
        return self.xp.subtract(other, self)

    def __sub__(self, other: Any) -> Any:
        return self.xp.subtract(self, other)

    def __matmul__(self, other: Any) -> Any:
        return self.xp.matmul(self, other)

    def __rmatmul__(self, other: Any) -> Any:
        return self.xp.matmul(other, self)


def moves(value: Any) -> bool:
    """Whether derivatives flow through a value of any algebra; a constant beside them keeps its ties.

    >>> from xcheck.exact.balls import Balls
    >>> from xcheck.exact.jets import Jets
    >>> moves(Jets(Balls()).literal(1.0)), moves(Jets(Balls()).lift(Balls().literal(1.0), Balls().literal(1.0)))
    (False, True)
    """
    if isinstance(value, Node):
        return value.position >= 0 or moves(value.value)
    return isinstance(value, Jet) and any(c is not None for c in value.coefficients[1:])
