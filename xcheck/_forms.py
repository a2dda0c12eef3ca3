"""Forms: what the fields of array descriptors must be, and how that is said."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

#: The dtypes to which values may be rounded.
HELD = ("float64", "float32", "tf32", "bfloat16")


def whole(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def _finite(value: Any) -> bool:
    return (whole(value) or isinstance(value, (float, np.floating))) and bool(np.isfinite(float(value)))


def _numeric(values: Any) -> bool:
    try:
        return np.asarray(values).dtype.kind in "fiub"
    except ValueError:  # ragged
        return False


NUMBER = (_finite, "a finite real number")
#: What the fields of descriptors must be, by their name, and how that is said.
FORMS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "shape": (
        lambda shape: isinstance(shape, tuple) and all(whole(size) and size >= 0 for size in shape),
        "a tuple of sizes such as (4, 3)",
    ),
    "seed": (lambda seed: whole(seed) and seed >= 0, "a whole number from 0"),
    "mean": NUMBER, "scale": NUMBER, "low": NUMBER, "high": NUMBER, "start": NUMBER, "stop": NUMBER,
    "sigma": (lambda sigma: _finite(sigma) and sigma >= 0, "a number from 0"),
    "dtype": (lambda dtype: dtype in HELD, f"one of {', '.join(HELD)}"),
    "values": (_numeric, "real numbers, nested as a rectangle"),
    "function": (callable, "a function of arrays"),
    "file": (lambda file: isinstance(file, str), "the name of an npz file"),
    "key": (lambda key: isinstance(key, str), "the name of an entry"),
}  # fmt: skip
