"""Softmax and its kin over the last axis; rows of tables."""

from __future__ import annotations

from typing import Any

import numpy as np

from xcheck._errors import CaseError, NoReference

__all__ = ["constant", "log_softmax", "logsumexp", "pick", "softmax", "take"]

Array = Any  # xcheck.exact.namespace.Array


def _shift(xp: Any, y: Array) -> np.ndarray:
    """A constant near the largest entry: it cancels, so that floats do not overflow.

    It is an integer, so that the digest of a program does not depend on the last bit of a machine's libm.
    """
    largest = np.max(xp.alg.floats(y.value), axis=-1, keepdims=True)
    if np.isneginf(largest).any():
        raise NoReference("softmax over a row whose entries are all -inf is 0/0; leave one entry of each row unmasked")
    return np.rint(largest)


def logsumexp(xp: Any, y: Array) -> Array:
    y = xp.asarray(y)
    shift = _shift(xp, y)
    return xp.log(xp.sum(xp.exp(y - shift), axis=-1)) + shift[..., 0]


def log_softmax(xp: Any, y: Array) -> Array:
    return xp.asarray(y) - xp.expand_dims(logsumexp(xp, y), axis=-1)


def softmax(xp: Any, y: Array) -> Array:
    y = xp.asarray(y)
    powers = xp.exp(y - _shift(xp, y))
    return powers / xp.sum(powers, axis=-1, keepdims=True)


def pick(xp: Any, y: Array, index: np.ndarray) -> Array:
    """`y[..., index[...]]`: one entry of the last axis for each row."""
    y = xp.asarray(y)
    index = xp.places(index, y.shape[-1])
    if index.shape != y.shape[:-1]:
        raise CaseError(f"one entry is picked for each row: {index.shape} places do not fit shape {y.shape}")
    return xp.index(y, (*np.indices(index.shape), index))


def take(xp: Any, table: Array, index: np.ndarray) -> Array:
    """`table[index]`: rows of an embedding."""
    table = xp.asarray(table)
    return xp.index(table, (xp.places(index, table.shape[0]),))


def constant(xp: Any, values: np.ndarray, like: Array) -> Array:
    """NumPy values that belong to the program itself."""
    return xp.asarray(np.asarray(values))
