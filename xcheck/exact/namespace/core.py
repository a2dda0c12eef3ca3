"""Core: numbers into arrays, shapes, indices; what the other parts of the namespace stand on."""

from __future__ import annotations

import operator
from math import prod
from typing import Any

import numpy as np

from xcheck._errors import CaseError
from xcheck.exact.algebra import Shape
from xcheck.exact.namespace.array import Array
from xcheck.exact.namespace.condition import Condition
from xcheck.exact.namespace.constants import number, numbers
from xcheck.exact.namespace.indexing import selection, within
from xcheck.exact.namespace.integers import IntegerArray
from xcheck.exact.namespace.protocols import Strict

Axis = int | tuple[int, ...] | None


class Core:
    """Constants, functions of one variable by name, and everything that only moves entries."""

    alg: Any
    framework: str | None

    def asarray(self, x: Any) -> Any:
        """What programs hold as it is; numbers and NumPy arrays as reals."""
        return x if isinstance(x, Strict) else self.real(x)

    def real(self, x: Any) -> Array:
        """Reals, of integers and of comparisons (1 where they hold) too."""
        if isinstance(x, Array):
            return x
        if isinstance(x, IntegerArray):
            return Array(self, self.alg.constant(x.value))
        if isinstance(x, Condition):
            return Array(self, self.alg.constant(x.decided().astype(np.float64)))
        single = number(x)
        return Array(self, self.alg.constant(numbers(x)) if single is None else self.alg.literal(single))

    def operand(self, x: Any) -> Any:
        """The same, but numbers are Python's, NumPy's integers stay integers and its booleans conditions."""
        if isinstance(x, Strict) or number(x) is not None:
            return x.item() if isinstance(x, np.generic) else x
        array = numbers(x)
        kinds = {"b": Condition, "i": IntegerArray, "u": IntegerArray}
        return kinds.get(array.dtype.kind, lambda xp, values: xp.real(values))(self, array)

    def placed(self, x: Any) -> Any:
        """What can be moved about: an array of any kind."""
        return self.operand(x) if isinstance(x, (Strict, np.ndarray, list, tuple)) else self.real(x)

    def pair(self, a: Any, b: Any) -> tuple[Any, Any]:
        """Two real values of one shape."""
        a, b = self.real(a), self.real(b)
        shape = common_shape(a.shape, b.shape)
        return self.broadcast_to(a, shape).value, self.broadcast_to(b, shape).value

    def unary(self, name: str, a: Any, *derivative: int) -> Array:
        """A function of one variable by its name, or a derivative of it."""
        return Array(self, self.alg.unary(name, self.real(a).value, *derivative))

    def axes(self, a: Any, axis: Any) -> tuple[int, ...]:
        """Axes counted from 0, each once; None is all of them.

        Raises:
            CaseError: an axis that the array lacks, or one twice.
        """
        wanted = range(a.ndim) if axis is None else axis if isinstance(axis, (tuple, list)) else (axis,)
        found = [whole(k, "an axis") for k in wanted]
        if any(not -a.ndim <= k < a.ndim for k in found) or len({k % a.ndim for k in found}) < len(found):
            raise CaseError(f"axis {axis} does not name axes of shape {a.shape}, each once")
        return tuple(k % a.ndim for k in found)

    def reshape(self, a: Any, shape: Any) -> Any:
        a = self.placed(a)
        wanted = tuple(whole(s, "a size") for s in (shape if isinstance(shape, (tuple, list)) else (shape,)))
        known = prod(s for s in wanted if s != -1)
        if wanted.count(-1) == 1 and known > 0:
            wanted = tuple(a.size // known if s == -1 else s for s in wanted)
        if min(wanted, default=0) < 0 or prod(wanted) != a.size:
            raise CaseError(f"an array of shape {a.shape} cannot be reshaped to {shape}")
        return a if wanted == a.shape else a.moved("reshape", wanted)

    def permute_dims(self, a: Any, axes: tuple[int, ...]) -> Any:
        a = self.placed(a)
        order = self.axes(a, tuple(axes))
        if len(order) != a.ndim:
            raise CaseError(f"permute_dims needs every axis of shape {a.shape} once, not {tuple(axes)}")
        return a.moved("transpose", order)

    def matrix_transpose(self, a: Any) -> Any:
        a = self.placed(a)
        if a.ndim < 2:
            raise CaseError(f"a matrix has two axes or more, not shape {a.shape}")
        return self.permute_dims(a, (*range(a.ndim - 2), a.ndim - 1, a.ndim - 2))

    def moveaxis(self, a: Any, source: Any, destination: Any) -> Any:
        a = self.placed(a)
        sources, destinations = self.axes(a, source), self.axes(a, destination)
        if len(sources) != len(destinations):
            raise CaseError(f"moveaxis has {len(sources)} sources and {len(destinations)} destinations")
        order = [k for k in range(a.ndim) if k not in sources]
        for to, of in sorted(zip(destinations, sources, strict=True)):
            order.insert(to, of)
        return self.permute_dims(a, tuple(order))

    def broadcast_to(self, a: Any, shape: Shape) -> Any:
        a, shape = self.placed(a), tuple(shape)
        if a.shape == shape:
            return a
        if common_shape(a.shape, shape) != shape:
            raise CaseError(f"an array of shape {a.shape} does not broadcast to {shape}")
        return a.moved("broadcast", shape)

    def expand_dims(self, a: Any, *, axis: int) -> Any:
        a = self.placed(a)
        axis = whole(axis, "an axis")
        within(axis, a.ndim + 1, f"a new axis of shape {a.shape}")
        shape = list(a.shape)
        shape.insert(axis % (a.ndim + 1), 1)
        return self.reshape(a, shape)

    def squeeze(self, a: Any, axis: Any) -> Any:
        a = self.placed(a)
        axes = self.axes(a, axis)
        if any(a.shape[k] != 1 for k in axes):
            raise CaseError(f"squeeze removes axes of size 1, and shape {a.shape} has another size at {axis}")
        return self.reshape(a, [size for k, size in enumerate(a.shape) if k not in axes])

    def flip(self, a: Any, *, axis: Axis = None) -> Any:
        a = self.placed(a)
        axes = self.axes(a, axis)
        back = [slice(None, None, -1) if k in axes else slice(None) for k in range(max(axes, default=-1) + 1)]
        return self.index(a, tuple(back))

    def concat(self, arrays: Any, *, axis: int | None = 0) -> Any:
        parts = [self.placed(a) for a in arrays]
        if axis is None:
            parts, axis = [self.reshape(part, (-1,)) for part in parts], 0
        if not parts or any(part.ndim != parts[0].ndim for part in parts):
            raise CaseError(f"concat needs arrays of one number of axes, not {_shapes(parts)}")
        (along,) = self.axes(parts[0], axis)
        if len({(*part.shape[:along], *part.shape[along + 1 :]) for part in parts}) > 1:
            raise CaseError(f"concat along axis {axis} needs arrays of one shape elsewhere, not {_shapes(parts)}")
        if all(isinstance(part, IntegerArray) for part in parts):
            return IntegerArray(self, np.concatenate([part.value for part in parts], along))
        if all(isinstance(part, Condition) for part in parts):
            holds, open = ([getattr(part, name) for part in parts] for name in ("holds", "open"))
            return Condition(self, np.concatenate(holds, along), np.concatenate(open, along))
        return Array(self, self.alg.concat([self.real(part).value for part in parts], along))

    def stack(self, arrays: Any, *, axis: int = 0) -> Any:
        parts = [self.placed(a) for a in arrays]
        if not parts or len({part.shape for part in parts}) > 1:
            raise CaseError(f"stack needs arrays of one shape, not {_shapes(parts)}")
        return self.concat([self.expand_dims(part, axis=axis) for part in parts], axis=axis)

    def take(self, a: Any, indices: Any, *, axis: int = 0) -> Any:
        a = self.placed(a)
        (along,) = self.axes(a, axis)
        return self.index(a, (*[slice(None)] * along, self.places(indices, a.shape[along])))

    def places(self, indices: Any, size: int) -> np.ndarray:
        """Integers that count from 0, which PyTorch and JAX read alike.

        Raises:
            CaseError: they are not integers in [0, size).
        """
        found = self.operand(indices)
        if not isinstance(found, IntegerArray) and not isinstance(found, int):
            raise CaseError(f"labels, tokens and places are integers, not {found!r}")
        values = found if isinstance(found, int) else found.value
        within(values, size, "an axis that is counted from 0", least=0)
        return np.asarray(values)

    def index(self, a: Any, key: Any) -> Any:
        chosen = selection(key, a.shape)
        a = self.reshape(a, chosen.shape)
        if chosen.axes != tuple(range(a.ndim)):
            a = self.permute_dims(a, chosen.axes)
        return a.moved("index", chosen.key)

    def scatter(self, a: Any, key: Any, shape: Shape) -> Array:
        """Zeros of this shape with `a` added at `key`: the adjoint of `index`."""
        return Array(self, self.alg.scatter(self.real(a).value, key, shape))


def common_shape(*shapes: Shape) -> Shape:
    """The shape that arrays broadcast to.

    >>> common_shape((2, 1), (3,))
    (2, 3)
    """
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        raise CaseError(f"arrays of shapes {' and '.join(map(str, shapes))} do not broadcast") from None


def whole(value: Any, what: str) -> int:
    """An integer of Python, of what may be one."""
    if isinstance(value, (bool, np.bool)) or not hasattr(value, "__index__") or isinstance(value, (Array, Condition)):
        raise CaseError(f"{what} is {value!r}, expected an integer")
    return operator.index(value)


def _shapes(parts: list[Any]) -> str:
    return ", ".join(str(part.shape) for part in parts) or "none at all"
