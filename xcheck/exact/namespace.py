"""The front end: an array API namespace `xp` over any algebra, so that a program runs in it unchanged."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from xcheck._errors import UnknownPrimitive
from xcheck.exact.algebra import Shape


class Array:
    """A value with its algebra, and the operators that programs use."""

    __array_priority__ = 1000  # NumPy arrays on the left give way

    def __init__(self, xp: Namespace, value: Any) -> None:
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
        return Array(self.xp, self.xp.alg.neg(self.value))

    def __pow__(self, exponent: int) -> Array:
        if not isinstance(exponent, int) or exponent < 1:
            raise UnknownPrimitive(f"x ** {exponent!r}: only positive integer powers; write exp, log or sqrt instead")
        half = self ** (exponent // 2) if exponent > 1 else self
        square = half if exponent == 1 else half * half
        return square * self if exponent % 2 and exponent > 1 else square

    def __getitem__(self, key: Any) -> Array:
        return self.xp.index(self, key)


class Namespace:
    """Array API functions by the operations of one algebra; `nn` holds what the array API lacks."""

    def __init__(self, alg: Any) -> None:
        from xcheck.exact.nn import Functions

        self.alg = alg
        self.nn = Functions(self)

    def __getattr__(self, name: str) -> Any:
        raise UnknownPrimitive(
            f"the exact namespace has no xp.{name}; add it to xcheck/exact/namespace.py by the algebra's operations"
        )

    def asarray(self, x: Any) -> Array:
        if isinstance(x, Array):
            return x
        if isinstance(x, (int, float)):
            return Array(self, self.alg.literal(x))
        return Array(self, self.alg.constant(np.asarray(x)))

    def _pair(self, a: Any, b: Any) -> tuple[Any, Any]:
        a, b = self.asarray(a), self.asarray(b)
        shape = np.broadcast_shapes(a.shape, b.shape)
        return self.broadcast_to(a, shape).value, self.broadcast_to(b, shape).value

    def add(self, a: Any, b: Any) -> Array:
        return Array(self, self.alg.add(*self._pair(a, b)))

    def subtract(self, a: Any, b: Any) -> Array:
        return Array(self, self.alg.sub(*self._pair(a, b)))

    def multiply(self, a: Any, b: Any) -> Array:
        return Array(self, self.alg.mul(*self._pair(a, b)))

    def divide(self, a: Any, b: Any) -> Array:
        return self.multiply(a, self._unary("reciprocal", b))

    def matmul(self, a: Any, b: Any) -> Array:
        a, b = self.asarray(a), self.asarray(b)
        if a.ndim == 1:
            return self.matmul(self.reshape(a, (1, -1)), b)[..., 0, :]
        if b.ndim == 1:
            return self.matmul(a, self.reshape(b, (-1, 1)))[..., 0]
        axes = max(a.ndim, b.ndim)
        a = self.reshape(a, (*[1] * (axes - a.ndim), *a.shape))
        b = self.reshape(b, (*[1] * (axes - b.ndim), *b.shape))
        return Array(self, self.alg.matmul(a.value, b.value))

    def _unary(self, name: str, a: Any) -> Array:
        return Array(self, self.alg.unary(name, self.asarray(a).value))

    def exp(self, a: Any) -> Array:
        return self._unary("exp", a)

    def log(self, a: Any) -> Array:
        return self._unary("log", a)

    def sqrt(self, a: Any) -> Array:
        return self._unary("sqrt", a)

    def tanh(self, a: Any) -> Array:
        return self._unary("tanh", a)

    def sin(self, a: Any) -> Array:
        return self._unary("sin", a)

    def cos(self, a: Any) -> Array:
        return self._unary("cos", a)

    def square(self, a: Any) -> Array:
        return self.multiply(a, a)

    def abs(self, a: Any) -> Array:
        return self.where_positive(a, a, -self.asarray(a))

    def maximum(self, a: Any, b: Any) -> Array:
        return self.where_positive(self.subtract(a, b), a, b)

    def minimum(self, a: Any, b: Any) -> Array:
        return self.where_positive(self.subtract(b, a), a, b)

    def where_positive(self, sign: Any, a: Any, b: Any) -> Array:
        """a where `sign > 0`, else b: every branch goes through here."""
        a, b = self._pair(a, b)
        condition = np.broadcast_to(self.alg.positive(self.asarray(sign).value), a.shape)
        return Array(self, self.alg.select(condition, a, b))

    def _axes(self, a: Array, axis: int | tuple[int, ...] | None) -> tuple[int, ...]:
        axes = range(a.ndim) if axis is None else (axis,) if isinstance(axis, int) else axis
        return tuple(sorted(k % a.ndim for k in axes))

    def sum(self, a: Any, *, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> Array:
        a = self.asarray(a)
        axes = self._axes(a, axis)
        total = Array(self, self.alg.sum(a.value, axes)) if axes else a
        return self.reshape(total, [1 if k in axes else s for k, s in enumerate(a.shape)]) if keepdims else total

    def mean(self, a: Any, *, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> Array:
        a = self.asarray(a)
        return self.sum(a, axis=axis, keepdims=keepdims) / prod(a.shape[k] for k in self._axes(a, axis))

    def var(
        self, a: Any, *, axis: int | tuple[int, ...] | None = None, correction: int = 0, keepdims: bool = False
    ) -> Array:
        a = self.asarray(a)
        centred = a - self.mean(a, axis=axis, keepdims=True)
        total = self.sum(centred * centred, axis=axis, keepdims=keepdims)
        return total / (prod(a.shape[k] for k in self._axes(a, axis)) - correction)

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

    def concat(self, arrays: Any, *, axis: int = 0) -> Array:
        parts = [self.asarray(a) for a in arrays]
        return Array(self, self.alg.concat([part.value for part in parts], axis % parts[0].ndim))

    def stack(self, arrays: Any, *, axis: int = 0) -> Array:
        return self.concat([self.expand_dims(a, axis=axis) for a in arrays], axis=axis)

    def index(self, a: Array, key: Any) -> Array:
        key = key if isinstance(key, tuple) else (key,)
        if any(part is None for part in key):
            raise UnknownPrimitive("indexing with None is not in the exact namespace; use xp.expand_dims")
        if Ellipsis in [part for part in key if part is Ellipsis]:
            at = next(k for k, part in enumerate(key) if part is Ellipsis)
            key = (*key[:at], *[slice(None)] * (a.ndim - len(key) + 1), *key[at + 1 :])
        return Array(self, self.alg.index(a.value, key))
