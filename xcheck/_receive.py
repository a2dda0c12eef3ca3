"""What an implementation returned, of whatever framework, as NumPy float64 leaves; paths and dtypes are checked."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from xcheck._dtypes import ARRAY_DTYPE
from xcheck._lazy import torch
from xcheck._text import one_line
from xcheck._tree import leaves
from xcheck.result import Outcome


class Refused(Exception):
    """A result that cannot be compared: `outcome` and the reason."""

    def __init__(self, outcome: Outcome, reason: str) -> None:
        super().__init__(reason)
        self.outcome, self.reason = outcome, reason


def receive(actual: Any, paths: list[str], dtype: str) -> dict[str, np.ndarray]:
    """Path to float64 array.

    Raises:
        Refused: a path is missing or too many (`wrong_shape`), or a leaf is no dense array of numbers of this dtype
            (`wrong_dtype`).

    >>> receive(np.ones(2, np.float32), [""], "float32")
    {'': array([1., 1.])}
    """
    found = _leaves(actual)
    missing, extra = [p for p in paths if p not in found], [p for p in found if p not in paths]
    if missing or extra:
        parts = [
            f"{word} {', '.join(map(shown, names))}" for word, names in (("lacks", missing), ("has", extra)) if names
        ]
        raise Refused(
            Outcome.WRONG_SHAPE,
            f"the result {' and '.join(parts)}; expected {', '.join(map(shown, paths))}: return "
            + ("one array" if paths == [""] else "a dict with exactly these keys"),
        )
    return {path: to_float64(dense(found[path], path, dtype)) for path in paths}


def copied(actual: Any, dtype: str) -> dict[str, Any] | None:
    """A copy of every leaf on the host, bit for bit; None where one of them is none that could be judged."""
    try:
        return {path: np.array(dense(leaf, path, dtype)) for path, leaf in _leaves(actual).items()}
    except Refused:
        return None


def _leaves(actual: Any) -> dict[str, Any]:
    try:
        return leaves(actual)
    except Exception as error:  # a mapping of foreign make may raise anything
        raise Refused(Outcome.WRONG_SHAPE, f"the result cannot be read: {one_line(error)}; return arrays") from None


def shown(path: str) -> str:
    """A path for a message; the bare array has none."""
    return repr(path) if path else "the array"


def dense(leaf: Any, path: str, dtype: str) -> np.ndarray:
    """The numbers of one leaf, as NumPy holds them on the host; bfloat16 as float64.

    Raises:
        Refused: it is no array, has another dtype, or its numbers do not lie there one by one.
    """
    expected = f"expected an array of dtype {ARRAY_DTYPE[dtype]}: compute and return in that dtype"
    try:
        leaf = plain(leaf)
        lack = _lack(leaf)
        if lack is None and (got := dtype_name(leaf)) != ARRAY_DTYPE[dtype]:
            lack = f"of dtype {got}"
        if lack is not None:
            raise Refused(Outcome.WRONG_DTYPE, f"{shown(path)} is {lack}, {expected}")
        return on_host(leaf)
    except Refused:
        raise
    except Exception as error:  # an object that only looks like an array raises anything when it is read
        raise Refused(
            Outcome.WRONG_DTYPE,
            f"{shown(path)} is a {type(leaf).__name__} that cannot be read ({one_line(error, 200)}), {expected}",
        ) from None


def plain(leaf: Any) -> Any:
    """A tensor without its history and without what a subclass of it does; everything else as it is."""
    loaded = sys.modules.get("torch")
    if loaded is None or not isinstance(leaf, torch.Tensor):
        return leaf
    with torch._C.DisableTorchFunctionSubclass():
        bare = leaf.detach()
        return bare if type(bare) is torch.Tensor else bare.as_subclass(torch.Tensor)


def _lack(leaf: Any) -> str | None:
    """What is in the way of reading its numbers one by one, in words."""
    if _is_tensor(leaf) and (leaf.is_nested or str(leaf.layout) != "torch.strided"):
        return f"a tensor of layout {'nested' if leaf.is_nested else str(leaf.layout).removeprefix('torch.')}"
    if dtype_name(leaf) is None:
        return f"a {type(leaf).__name__}"
    if isinstance(leaf, np.ma.MaskedArray):
        return "a masked array"
    if _is_tensor(leaf) and leaf.device.type == "meta":
        return f"a tensor on the device {leaf.device}, which holds no numbers"
    return None


def _is_tensor(leaf: Any) -> bool:
    return hasattr(leaf, "detach") and hasattr(leaf, "layout")


def dtype_name(leaf: Any) -> str | None:
    """ "float32" for an array of any framework, whatever its byte order; None for what is no array.

    >>> dtype_name(np.ones(1, ">f8")), dtype_name(1.5), dtype_name(None)
    ('float64', 'float64', None)
    """
    if isinstance(leaf, (bool, int, float, complex)):
        return str(np.asarray(leaf).dtype)
    dtype = getattr(leaf, "dtype", None)
    if dtype is None or not hasattr(leaf, "shape"):
        return None
    return dtype.name if isinstance(dtype, np.dtype) else str(dtype).removeprefix("torch.")


def on_host(leaf: Any) -> np.ndarray:
    """Its numbers, bfloat16 as float64; negated and conjugated views of a tensor are computed."""
    leaf = plain(leaf)
    if not _is_tensor(leaf):
        return np.asarray(leaf, dtype=np.float64) if dtype_name(leaf) == "bfloat16" else np.asarray(leaf)
    resolved = leaf.cpu().resolve_conj().resolve_neg()
    return (resolved.double() if dtype_name(resolved) == "bfloat16" else resolved).numpy()


def to_float64(array: np.ndarray) -> np.ndarray:
    """A float64 copy of its own; float32 and bfloat16 lose nothing by it."""
    return np.array(array, dtype=np.float64, subok=False)
