"""The algebra interface: what an arithmetic must offer so that a program can be evaluated in it.

Values are opaque but for `.shape`. Broadcasting is the front end's work: both operands of `add`, `sub` and `mul` have
one shape, and both of `matmul` the same number of axes. Algebras stack: `Jets(Balls())` carries Taylor coefficients of
balls, `Tape(Jets(Balls()))` differentiates those in reverse.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Protocol

import numpy as np

Value = Any
Shape = tuple[int, ...]
#: A value and what is chosen of it.
Choice = tuple[Value, Any]


class Algebra(Protocol):
    """Numbers, linear structure, products, and functions with their derivatives."""

    opens_ties: bool  # whether a comparison of plain values that tie is open

    def constant(self, values: np.ndarray) -> Value: ...  # data, exact
    def literal(self, number: float) -> Value: ...  # a number in the program's text
    def add(self, a: Value, b: Value) -> Value: ...
    def sub(self, a: Value, b: Value) -> Value: ...
    def mul(self, a: Value, b: Value) -> Value: ...
    def neg(self, a: Value) -> Value: ...
    def scale(self, a: Value, factor: Fraction | int) -> Value: ...
    def matmul(self, a: Value, b: Value) -> Value: ...
    def sum(self, a: Value, axes: tuple[int, ...]) -> Value: ...  # the axes vanish
    def unary(self, name: str, a: Value, derivative: int = 0) -> Value: ...
    def sign(self, a: Value) -> np.ndarray: ...  # -1, 0, 1: decided or Undecidable
    def settle(self, weight: np.ndarray, of: Choice | None = None) -> np.ndarray: ...  # NaN is drawn, or stays
    def select(self, weight: np.ndarray, a: Value, b: Value) -> Value: ...  # `w a + (1 - w) b`; NaN: see conventions
    def agree(self, a: Value, b: Value, where: np.ndarray) -> bool: ...  # exactly equal there
    def normwise(self, a: Value, axes: tuple[int, ...], growth: float) -> Value: ...  # a; only its rounding differs
    def reshape(self, a: Value, shape: Shape) -> Value: ...
    def transpose(self, a: Value, axes: tuple[int, ...]) -> Value: ...
    def broadcast(self, a: Value, shape: Shape) -> Value: ...
    def index(self, a: Value, key: Any) -> Value: ...
    def scatter(self, a: Value, key: Any, shape: Shape) -> Value: ...  # the adjoint of index: adds into zeros
    def concat(self, parts: Sequence[Value], axis: int) -> Value: ...
