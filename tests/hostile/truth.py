"""What a program computes by NumPy on numbers of 3000 bits, and its derivatives by differences: no code of xcheck's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import flint
import numpy as np

Arrays = Mapping[str, np.ndarray]
Function = Callable[[Arrays], np.ndarray]

#: The step of first and of second differences: their errors are h f'' and h^2 f'''' (h f''' at a tie of two branches).
STEP, STEP2 = flint.arb(2) ** -800, flint.arb(2) ** -500
#: What those errors stay below, of numbers up to 2^20.
ERROR = flint.arb(2) ** -480


class NoTruth(Exception):
    """NumPy cannot run the program on such numbers, or the derivative does not exist."""


@contextmanager
def many_bits() -> Iterator[None]:
    before, flint.ctx.prec = flint.ctx.prec, 3000
    try:
        yield
    finally:
        flint.ctx.prec = before


def _each(name: str) -> Callable[[Any], np.ndarray]:
    return lambda a: np.asarray(np.frompyfunc(lambda z: getattr(flint.arb(z), name)(), 1, 1)(a), dtype=object)


def _sigmoid(a: Any) -> Any:
    return 1 / (1 + NUMPY.exp(-np.asarray(a)))


def _softmax(a: Any) -> Any:
    powers = NUMPY.exp(np.asarray(a))
    return powers / powers.sum(axis=-1, keepdims=True)


def _clip(a: Any, low: Any = None, high: Any = None) -> Any:
    a = a if low is None else np.where(a < low, low, a)
    return a if high is None else np.where(a > high, high, a)


class _Numpy:
    """NumPy's functions, with those of one number by flint's; `nn` as in xcheck."""

    nn = SimpleNamespace(
        relu=lambda a: np.where(np.asarray(a) > 0, a, 0 * np.asarray(a)),
        sigmoid=_sigmoid,
        softmax=_softmax,
        logsumexp=lambda a: NUMPY.log(NUMPY.exp(np.asarray(a)).sum(axis=-1)),
    )
    clip = staticmethod(_clip)
    permute_dims, concat, pow = staticmethod(np.transpose), staticmethod(np.concatenate), staticmethod(np.power)

    def __getattr__(self, name: str) -> Any:
        if name in ("exp", "log", "sin", "cos", "tanh", "sqrt", "expm1", "log1p"):
            return _each(name)
        return getattr(np, name)


NUMPY: Any = _Numpy()


def balls(values: np.ndarray) -> np.ndarray:
    """Numbers of many bits, integers too: NumPy would divide them in float64."""
    return np.asarray(np.frompyfunc(lambda z: flint.arb(float(z)), 1, 1)(values), dtype=object)


def moved(arrays: Arrays, name: str, at: int, step: Any) -> dict[str, np.ndarray]:
    """The arrays with one entry moved."""
    changed = arrays[name].copy()
    changed.reshape(-1)[at] = changed.reshape(-1)[at] + step
    return {**arrays, name: changed}


def first(f: Function, arrays: Arrays, name: str, at: int) -> np.ndarray:
    """The derivative of f by one entry, which exists where both one-sided differences agree.

    Raises:
        NoTruth: they do not.
    """
    here = f(arrays)
    right = (f(moved(arrays, name, at, STEP)) - here) / STEP
    left = (here - f(moved(arrays, name, at, -STEP))) / STEP
    for a, b in zip(np.ravel(right), np.ravel(left), strict=True):
        if not abs(a - b) <= (abs(a) + abs(b)) * flint.arb(2) ** -300 + flint.arb(2) ** -700:
            raise NoTruth(f"the one-sided derivatives {a} and {b} differ")
    return right


def second(f: Function, arrays: Arrays, name: str, at: int, other: int) -> np.ndarray:
    """The mixed second derivative of f by two entries of one array."""

    def at_signs(s: int, t: int) -> np.ndarray:
        return f(moved(moved(arrays, name, at, s * STEP2), name, other, t * STEP2))

    return (at_signs(1, 1) - at_signs(1, -1) - at_signs(-1, 1) + at_signs(-1, -1)) / (4 * STEP2**2)
