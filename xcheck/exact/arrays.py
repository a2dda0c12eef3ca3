"""Structure that NumPy gives to every algebra whose values are NumPy arrays (of floats, balls or complex balls)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from xcheck.exact import functions
from xcheck.exact.algebra import Choice, Shape


def boxed(value: Any) -> np.ndarray:
    """NumPy unwraps 0-d arrays; algebra values always have a shape."""
    if isinstance(value, (np.ndarray, np.generic)):
        return np.asarray(value)
    box = np.empty((), dtype=object)
    box[()] = value
    return box


class ArrayAlgebra:
    """Reshape, transpose, index and the like, and functions by their Taylor rules; subclasses add the arithmetic."""

    zero: Any
    #: Whether a tie of plain values is left open: a value is on one side of it, a line through it on both.
    opens_ties = False

    def unary(self, name: str, a: np.ndarray, derivative: int = 0) -> np.ndarray:
        return functions.derivative(self, name, a, derivative)

    def zeros(self, shape: Shape) -> np.ndarray:
        return np.full(shape, self.zero)

    def finite(self, a: np.ndarray) -> np.ndarray:
        return np.isfinite(a)

    def floats(self, a: np.ndarray) -> np.ndarray:
        """Nearby float64 numbers: for shifts that cancel, never for a result."""
        return np.asarray(a, dtype=np.float64)

    def settle(self, weight: np.ndarray, of: Choice | None = None) -> np.ndarray:
        """Ties stay open, unless an algebra draws who wins them: once for the same choice of one value."""
        return weight

    def select(self, weight: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Values may tie, whatever the convention: a program is continuous there, or says which branch it takes."""
        weight = self.settle(weight)
        chosen = np.where(weight == 1, a, b)
        between = np.broadcast_to((weight > 0) & (weight < 1), chosen.shape)
        if between.any():
            w = np.broadcast_to(weight, chosen.shape)[between].astype(a.dtype)
            chosen[between] = a[between] * w + b[between] * (1 - w)
        return boxed(chosen)

    def agree(self, a: np.ndarray, b: np.ndarray, where: np.ndarray) -> bool:
        return bool(np.all((a == b)[np.broadcast_to(where, a.shape)]))

    def normwise(self, a: np.ndarray, axes: tuple[int, ...], growth: float) -> np.ndarray:
        """The operand over `axes` of an operation whose backward error is small in the norm alone, `growth u ||a||`
        (n for most factorisations of n x n matrices, log2 n for an FFT): itself, where nothing is rounded.
        """
        return a

    def reshape(self, a: np.ndarray, shape: Shape) -> np.ndarray:
        return a.reshape(shape)

    def transpose(self, a: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
        return a.transpose(axes)

    def broadcast(self, a: np.ndarray, shape: Shape) -> np.ndarray:
        return np.broadcast_to(a, shape)

    def index(self, a: np.ndarray, key: Any) -> np.ndarray:
        return boxed(a[key])

    def scatter(self, a: np.ndarray, key: Any, shape: Shape) -> np.ndarray:
        total = self.zeros(shape)
        np.add.at(total, key, a)
        return total

    def concat(self, parts: Sequence[np.ndarray], axis: int) -> np.ndarray:
        return np.concatenate(parts, axis)
