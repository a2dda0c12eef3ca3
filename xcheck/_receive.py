"""What an implementation returned, of whatever framework, as NumPy float64 leaves; paths and dtypes are checked."""

from __future__ import annotations

from typing import Any

import numpy as np

from xcheck._dtypes import ARRAY_DTYPE
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
        Refused: a path is missing or too many (`wrong_shape`), or a leaf has another dtype (`wrong_dtype`).

    >>> receive(np.ones(2, np.float32), [""], "float32")
    {'': array([1., 1.])}
    """
    found = leaves(actual)
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
    for path in paths:
        got = dtype_name(found[path])
        if got != ARRAY_DTYPE[dtype]:
            raise Refused(
                Outcome.WRONG_DTYPE,
                f"{shown(path)} is {f'of dtype {got}' if got else f'a {type(found[path]).__name__}'}, "
                f"expected an array of dtype {ARRAY_DTYPE[dtype]}: compute and return in that dtype",
            )
    return {path: to_float64(found[path]) for path in paths}


def shown(path: str) -> str:
    """A path for a message; the bare array has none."""
    return repr(path) if path else "the array"


def dtype_name(leaf: Any) -> str | None:
    """ "float32" for an array of any framework; None for what is no array.

    >>> dtype_name(np.ones(1)), dtype_name(1.5), dtype_name(None)
    ('float64', 'float64', None)
    """
    if isinstance(leaf, (bool, int, float, complex)):
        return str(np.asarray(leaf).dtype)
    dtype = getattr(leaf, "dtype", None)
    return None if dtype is None or not hasattr(leaf, "shape") else str(dtype).removeprefix("torch.")


def to_float64(leaf: Any) -> np.ndarray:
    """A float64 copy on the host; float32 and bfloat16 lose nothing by it."""
    if hasattr(leaf, "detach"):
        leaf = leaf.detach().cpu().double().numpy()
    return np.array(leaf, dtype=np.float64)
