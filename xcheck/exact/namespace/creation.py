"""Arrays out of nothing, and arrays laid out anew."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from xcheck._errors import UnknownPrimitive
from xcheck.exact.namespace.array import REAL, Array
from xcheck.exact.namespace.core import Core, whole
from xcheck.exact.namespace.integers import IntegerArray


class Creation(Core):
    """Arrays that say `dtype=x.dtype`: by themselves PyTorch makes float32, in float64 programs too, and JAX not."""

    def zeros(self, shape: Any, *, dtype: Any = None) -> Array:
        return self.full(shape, 0.0, dtype=dtype)

    def ones(self, shape: Any, *, dtype: Any = None) -> Array:
        return self.full(shape, 1.0, dtype=dtype)

    def full(self, shape: Any, value: float, *, dtype: Any = None) -> Array:
        self._of_the_case("full", dtype)
        return self.broadcast_to(self.real(value), _shape(shape))

    def eye(self, rows: int, columns: int | None = None, *, dtype: Any = None) -> Array:
        self._of_the_case("eye", dtype)
        return self.real(np.eye(whole(rows, "a size"), None if columns is None else whole(columns, "a size")))

    def astype(self, a: Any, dtype: Any) -> Array:
        self._of_the_case("astype", dtype)
        return self.real(a)

    def _of_the_case(self, function: str, dtype: Any) -> None:
        if dtype is not REAL:
            raise UnknownPrimitive(
                f"xp.{function} is of the dtype of the run alone; say dtype=x.dtype of an array of reals"
            )

    def arange(self, start: int, stop: int | None = None, step: int = 1) -> IntegerArray:
        """Integers; in reals PyTorch and JAX round the steps differently."""
        ends = (0, start) if stop is None else (start, stop)
        return IntegerArray(self, np.arange(*(whole(k, "an end or step of arange") for k in (*ends, step))))

    def zeros_like(self, a: Any) -> Any:
        return self.full_like(a, 0)

    def ones_like(self, a: Any) -> Any:
        return self.full_like(a, 1)

    def full_like(self, a: Any, value: float) -> Any:
        a = self.placed(a)
        if isinstance(a, IntegerArray):
            return IntegerArray(self, np.full(a.shape, whole(value, "an entry of integers")))
        return self.broadcast_to(self.real(float(value)), a.shape)

    def repeat(self, a: Any, repeats: int, *, axis: int | None = None) -> Any:
        return self._laid_out(a, lambda places: np.repeat(places, whole(repeats, "repeats"), axis=axis), axis)

    def tile(self, a: Any, repetitions: tuple[int, ...]) -> Any:
        return self._laid_out(a, lambda places: np.tile(places, _shape(repetitions)), None)

    def roll(self, a: Any, shift: Any, *, axis: Any = None) -> Any:
        shifts = tuple(shift) if isinstance(shift, (tuple, list)) else shift
        return self._laid_out(a, lambda places: np.roll(places, shifts, axis=axis), axis)

    def _laid_out(self, a: Any, layout: Callable[[np.ndarray], np.ndarray], axis: Any) -> Any:
        """The entries where NumPy puts their numbers."""
        a = self.placed(a)
        self.axes(a, axis)
        places = layout(np.arange(a.size).reshape(a.shape))
        return self.reshape(self.index(self.reshape(a, (-1,)), (places.ravel(),)), places.shape)


def _shape(sizes: Any) -> tuple[int, ...]:
    return tuple(whole(size, "a size") for size in (sizes if isinstance(sizes, (tuple, list)) else (sizes,)))
