"""Core: numbers into arrays, shapes, indices; what the other parts of the namespace stand on."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from xcheck._errors import UnknownPrimitive
from xcheck.exact.algebra import Shape
from xcheck.exact.namespace.array import Array


class Core:
    """Constants, functions of one variable by name, and everything that only moves entries."""

    alg: Any
    framework: str | None

    def asarray(self, x: Any) -> Array:
        if isinstance(x, Array):
            return x
        if isinstance(x, (int, float)):
            return Array(self, self.alg.literal(x))
        return Array(self, self.alg.constant(np.asarray(x)))

    def pair(self, a: Any, b: Any) -> tuple[Any, Any]:
        """Two values of one shape."""
        a, b = self.asarray(a), self.asarray(b)
        shape = np.broadcast_shapes(a.shape, b.shape)
        return self.broadcast_to(a, shape).value, self.broadcast_to(b, shape).value

    def unary(self, name: str, a: Any, *derivative: int) -> Array:
        """A function of one variable by its name, or a derivative of it."""
        return Array(self, self.alg.unary(name, self.asarray(a).value, *derivative))

    def reshape(self, a: Any, shape: Any) -> Array:
        a = self.asarray(a)
        shape = tuple(shape)
        if -1 in shape:
            known = prod(s for s in shape if s != -1)
            shape = tuple(prod(a.shape) // known if s == -1 else s for s in shape)
        return a if shape == a.shape else Array(self, self.alg.reshape(a.value, shape))

    def permute_dims(self, a: Any, axes: tuple[int, ...]) -> Array:
        return Array(self, self.alg.transpose(self.asarray(a).value, tuple(axes)))

    def matrix_transpose(self, a: Any) -> Array:
        last = self.asarray(a).ndim
        return self.permute_dims(a, (*range(last - 2), last - 1, last - 2))

    def moveaxis(self, a: Any, source: int, destination: int) -> Array:
        a = self.asarray(a)
        axes = [k for k in range(a.ndim) if k != source % a.ndim]
        axes.insert(destination % a.ndim, source % a.ndim)
        return self.permute_dims(a, tuple(axes))

    def broadcast_to(self, a: Any, shape: Shape) -> Array:
        a = self.asarray(a)
        return a if a.shape == tuple(shape) else Array(self, self.alg.broadcast(a.value, tuple(shape)))

    def expand_dims(self, a: Any, *, axis: int) -> Array:
        shape = list(self.asarray(a).shape)
        shape.insert(axis % (len(shape) + 1), 1)
        return self.reshape(a, shape)

    def squeeze(self, a: Any, axis: int) -> Array:
        shape = list(self.asarray(a).shape)
        del shape[axis]
        return self.reshape(a, shape)

    def flip(self, a: Any, *, axis: int) -> Array:
        a = self.asarray(a)
        return self.index(a, (*[slice(None)] * (axis % a.ndim), slice(None, None, -1)))

    def concat(self, arrays: Any, *, axis: int = 0) -> Array:
        parts = [self.asarray(a) for a in arrays]
        return Array(self, self.alg.concat([part.value for part in parts], axis % parts[0].ndim))

    def stack(self, arrays: Any, *, axis: int = 0) -> Array:
        return self.concat([self.expand_dims(a, axis=axis) for a in arrays], axis=axis)

    def take(self, a: Any, indices: np.ndarray, *, axis: int = 0) -> Array:
        a = self.asarray(a)
        return self.index(a, (*[slice(None)] * (axis % a.ndim), np.asarray(indices)))

    def index(self, a: Array, key: Any) -> Array:
        key = key if isinstance(key, tuple) else (key,)
        if any(part is None for part in key):
            raise UnknownPrimitive("indexing with None is not in the exact namespace; use xp.expand_dims")
        if Ellipsis in [part for part in key if part is Ellipsis]:
            at = next(k for k, part in enumerate(key) if part is Ellipsis)
            key = (*key[:at], *[slice(None)] * (a.ndim - len(key) + 1), *key[at + 1 :])
        return Array(self, self.alg.index(a.value, key))

    def scatter(self, a: Any, key: Any, shape: Shape) -> Array:
        """Zeros of this shape with `a` added at `key`: the adjoint of `index`."""
        return Array(self, self.alg.scatter(self.asarray(a).value, key, shape))
