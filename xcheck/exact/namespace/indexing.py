"""Indexing: what stands between brackets, brought into a form that is safe in every algebra."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Any

import numpy as np

from xcheck._errors import CaseError, UnknownPrimitive
from xcheck.exact.algebra import Shape
from xcheck.exact.namespace.condition import Condition
from xcheck.exact.namespace.integers import IntegerArray


@dataclass(frozen=True)
class Selection:
    """An index in steps: a shape with an axis of size 1 for each None, an order of axes, and a key for those."""

    shape: Shape
    axes: tuple[int, ...]
    key: tuple[Any, ...]


def selection(key: Any, shape: Shape) -> Selection:
    """The steps of `x[key]` for x of this shape; NumPy's meaning, where PyTorch and JAX share it.

    Raises:
        CaseError: too many axes, out of range, or arrays that do not broadcast; the message names the shapes.
        UnknownPrimitive: a mask that depends on values, or an order of axes that the frameworks do not share.

    >>> selection((0, None), (3, 2))
    Selection(shape=(3, 1, 2), axes=(0, 1, 2), key=(0, slice(None, None, None)))
    """
    sizes, parts = _walked(
        _expanded([_part(part) for part in (key if isinstance(key, tuple) else (key,))], shape), shape
    )
    for axis, part in enumerate(parts):
        if not isinstance(part, slice):
            within(part, sizes[axis], f"axis {axis} of shape {tuple(sizes)}")
    arrays = [k for k, part in enumerate(parts) if isinstance(part, np.ndarray)]
    axes = tuple(range(len(sizes)))
    if arrays:
        _broadcast([parts[k] for k in arrays])
        axes, parts = _joined(axes, parts, arrays)
    if sum(isinstance(part, int) for part in parts) == len(sizes):
        parts.append(Ellipsis)  # NumPy would unwrap the one entry that is left
    return Selection(tuple(sizes), axes, tuple(parts))


def within(where: Any, size: int, what: str, least: int | None = None) -> None:
    """Raises where an integer, or one of an array, is out of range; from the end is negative unless `least` is 0."""
    low = -size if least is None else least
    places = np.ravel(where)
    outside = places[(places < low) | (places >= size)]
    if outside.size:
        raise CaseError(f"index {outside[0]} is out of range for {what}, whose size is {size}")


def _part(part: Any) -> Any:
    """None, Ellipsis, an int, a slice of ints, an array of integers, or a mask."""
    if part is None or part is Ellipsis:
        return part
    if isinstance(part, slice):
        return slice(*(None if end is None else _integer(end) for end in (part.start, part.stop, part.step)))
    if isinstance(part, IntegerArray):
        return part.value if part.ndim else int(part)
    if isinstance(part, Condition):
        raise UnknownPrimitive("indexing by a comparison has a shape that depends on values; choose with xp.where")
    if isinstance(part, (list, np.ndarray)):
        array = np.asarray(part) if np.size(part) else np.asarray(part, dtype=np.int64)
        if array.ndim and array.dtype.kind in "iub":
            return array if array.dtype.kind == "b" else array.astype(np.int64)
    return _integer(part)


def _integer(value: Any) -> int:
    try:
        if not isinstance(value, (bool, np.bool)):
            return operator.index(value)
    except TypeError:
        pass
    raise CaseError(f"an index is {_named(value)}, expected integers, slices, None, ... or a NumPy mask")


def _named(value: Any) -> str:
    return f"of dtype {value.dtype}" if isinstance(value, np.ndarray) else f"a {type(value).__name__}"


def _takes(part: Any) -> int:
    """How many axes a part is for."""
    return 0 if part is None or part is Ellipsis else part.ndim if _is_mask(part) else 1


def _is_mask(part: Any) -> bool:
    return isinstance(part, np.ndarray) and part.dtype.kind == "b"


def _expanded(parts: list[Any], shape: Shape) -> list[Any]:
    """Slices for the Ellipsis."""
    dots = [k for k, part in enumerate(parts) if part is Ellipsis]
    used = sum(map(_takes, parts))
    if len(dots) > 1 or used > len(shape):
        raise CaseError(f"an index is for {used} axes and has {len(dots)} times ..., the array has shape {shape}")
    if not dots:
        return parts
    return [*parts[: dots[0]], *[slice(None)] * (len(shape) - used), *parts[dots[0] + 1 :]]


def _walked(parts: list[Any], shape: Shape) -> tuple[list[int], list[Any]]:
    """An axis of size 1 for each None, and the places of what a mask selects for the mask."""
    sizes: list[int] = []
    found: list[Any] = []
    axis = 0
    for part in parts:
        after = axis + _takes(part)
        if _is_mask(part) and part.shape != shape[axis:after]:
            raise CaseError(f"a mask of shape {part.shape} does not fit the axes {shape[axis:after]} of shape {shape}")
        found += [slice(None)] if part is None else part.nonzero() if _is_mask(part) else [part]
        sizes += (1,) if part is None else shape[axis:after]
        axis = after
    return [*sizes, *shape[axis:]], found


def _broadcast(arrays: list[np.ndarray]) -> None:
    try:
        np.broadcast_shapes(*(array.shape for array in arrays))
    except ValueError:
        shapes = ", ".join(str(array.shape) for array in arrays)
        raise CaseError(f"index arrays of shapes {shapes} do not broadcast") from None


def _joined(axes: Shape, parts: list[Any], arrays: list[int]) -> tuple[Shape, list[Any]]:
    """Index arrays and integers side by side: NumPy puts what they select in front where a slice parts them."""
    chosen = [k for k, part in enumerate(parts) if not isinstance(part, slice)]
    if chosen[-1] - chosen[0] + 1 == len(chosen):
        return axes, parts
    slices = [isinstance(part, slice) for part in parts]
    if any(slices[: arrays[0]]) and not any(slices[arrays[0] : arrays[-1]]):
        raise UnknownPrimitive(
            "PyTorch and JAX order the axes of an index like x[0, :, i] differently; index twice, as in x[0][:, i]"
        )
    rest = [k for k in axes if k not in chosen]
    return (*chosen, *rest), [parts[k] for k in chosen] + [slice(None) if k >= len(parts) else parts[k] for k in rest]
