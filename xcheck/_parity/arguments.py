"""The arguments of two programs as numbers, and each thing that is none in one line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from xcheck._errors import UsageError
from xcheck._receive import on_host
from xcheck._text import one_line


def numbers(args: Any) -> list[np.ndarray]:
    """Each argument as a NumPy array of reals or integers; tensors and JAX arrays without their history.

    Raises:
        UsageError: one of them is no array of finite real numbers; the message says which, and what came.

    >>> [array.tolist() for array in numbers([1.0, [[2, 3]]])]
    [1.0, [[2, 3]]]
    """
    if isinstance(args, (str, bytes, Mapping)) or not isinstance(args, Sequence):
        raise UsageError(f"args is a {type(args).__name__}; expected a list of arguments, such as [x] for one array")
    return [_number(f"argument {k}", arg) for k, arg in enumerate(args)]


def _number(name: str, arg: Any) -> np.ndarray:
    expected = "expected a number, or an array of real numbers"
    if isinstance(arg, Mapping) or arg is None:
        raise UsageError(f"{name} is {_kind(arg)}; {expected}: hand in each of its arrays as an argument of its own")
    try:
        array = on_host(arg)
    except Exception as error:  # what only looks like an array raises anything
        raise UsageError(f"{name} is {_kind(arg)} that is no array ({one_line(error, 200)}); {expected}") from None
    if array.dtype.kind not in "fiub":
        raise UsageError(f"{name} is {_kind(arg)} of {array.dtype}; {expected}")
    if array.dtype.kind == "f":
        array = array.astype(np.float64)
        if not np.isfinite(array).all():
            index = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
            raise UsageError(f"{name} is {array[index]} at {list(index)}; expected finite numbers")
    if not array.size:
        raise UsageError(f"{name} has shape {array.shape}, without an entry; {expected}")
    return array


def _kind(arg: Any) -> str:
    return "None" if arg is None else f"a {type(arg).__name__}"


def positions(wrt: Any, arrays: Sequence[np.ndarray]) -> tuple[int, ...]:
    """Which arguments derivatives are for.

    Raises:
        UsageError: a position without an argument, twice the same, or an argument that holds integers.
    """
    found: list[Any] = list(wrt) if isinstance(wrt, Iterable) and not isinstance(wrt, str) else [wrt]
    if not found or not all(type(k) is int for k in found):
        raise UsageError(f"wrt is {one_line(repr(wrt), 80)}; expected a position, or several, counted from 0")
    for k in found:
        if not 0 <= k < len(arrays):
            raise UsageError(f"wrt names argument {k}, but there are {len(arrays)}, counted from 0")
        if found.count(k) > 1:
            raise UsageError(f"wrt names argument {k} twice")
        if arrays[k].dtype.kind != "f":
            raise UsageError(
                f"argument {k} holds {arrays[k].dtype}, and derivatives are by real numbers; write them as floats"
            )
    return tuple(found)
