"""Constants: the numbers and NumPy arrays that stand in a program's text; what is no real number is refused."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from xcheck._errors import CaseError


def number(x: Any) -> int | float | None:
    """The exact value of a number of Python or NumPy; None where x is something else.

    Raises:
        CaseError: it is complex, NaN, or wider than float64.

    >>> number(np.float32(0.1)), number(True), number([1.0])
    (0.10000000149011612, 1, None)
    """
    if isinstance(x, (bool, np.bool, int, np.integer)):
        return int(x)
    if isinstance(x, (float, np.floating)):
        if np.isnan(x) or float(x) != x:
            _refuse(x)
        return float(x)
    if isinstance(x, (complex, np.complexfloating)):
        _refuse(x)
    return None


def numbers(x: Any) -> np.ndarray:
    """A NumPy array, or nested lists of numbers, as an array of floats, integers or booleans.

    NaN may stand where it is not chosen, as in JAX's `var` of no entries; what it reaches has no reference.

    Raises:
        CaseError: it holds anything else, or is ragged.
    """
    if not isinstance(x, (np.ndarray, list, tuple)):
        _refuse(x)
    try:
        array = np.asarray(x)
    except ValueError as error:
        raise CaseError(f"a program's constant is ragged: {error}") from None
    if array.dtype.kind not in "fiub" or array.dtype.itemsize > 8:
        raise CaseError(f"a program's constant has dtype {array.dtype}, expected float64 or less, integers or booleans")
    return array


def _refuse(x: Any) -> NoReturn:
    shown = repr(x)
    shown = shown if len(shown) <= 60 and "\n" not in shown else "..."
    raise CaseError(
        f"a program uses {shown} ({type(x).__name__}) as a number; expected an array of xp, a real number of Python, "
        "or a NumPy array"
    )
