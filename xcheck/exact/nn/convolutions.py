"""Convolutions (cross-correlations, as both frameworks have them): patches by index, then a matrix product."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

__all__ = ["conv1d", "conv2d", "conv_transpose1d", "conv_transpose2d"]

Array = Any  # xcheck.exact.namespace.Array


def windows(sizes: tuple[int, ...], kernel: tuple[int, ...], stride: int) -> tuple[np.ndarray, ...]:
    """Index arrays of shape (*kernel, *places), one for each spatial axis."""
    k = len(sizes)
    found = []
    for axis, (size, width) in enumerate(zip(sizes, kernel, strict=True)):
        starts = np.arange(0, size - width + 1, stride)
        at = np.arange(width)[:, None] + starts[None, :]
        shape = [1] * (2 * k)
        shape[axis], shape[k + axis] = at.shape
        found.append(at.reshape(shape))
    return tuple(np.broadcast_arrays(*found))


def patches(xp: Any, x: Array, kernel: tuple[int, ...], stride: int) -> Array:
    """(n, d, *sizes) to (n, d, *kernel, *places)."""
    return xp.index(x, (slice(None), slice(None), *windows(x.shape[2:], kernel, stride)))


def _padded(xp: Any, x: Array, padding: int) -> Array:
    if padding == 0:
        return x
    inner = tuple(slice(padding, padding + size) for size in x.shape[2:])
    return xp.scatter(x, (slice(None), slice(None), *inner), (*x.shape[:2], *(s + 2 * padding for s in x.shape[2:])))


def _add_bias(xp: Any, y: Array, bias: Array | None) -> Array:
    return y if bias is None else y + xp.reshape(bias, (1, -1, *[1] * (y.ndim - 2)))


def conv2d(
    xp: Any, x: Array, weight: Array, bias: Array | None = None, stride: int = 1, padding: int = 0, groups: int = 1
) -> Array:
    """`y[n, c, i] = sum_dk weight[c, d, k] x[n, d, stride i + k - padding] + bias[c]`, d within the group of c."""
    c, d = weight.shape[:2]
    columns = patches(xp, _padded(xp, x, padding), weight.shape[2:], stride)
    k = x.ndim - 2
    places = columns.shape[2 + k :]
    columns = xp.reshape(columns, (x.shape[0], groups, d * prod(weight.shape[2:]), -1))
    rows = xp.reshape(weight, (groups, c // groups, -1))
    y = xp.concat([xp.matmul(rows[g], columns[:, g]) for g in range(groups)], axis=1)
    return _add_bias(xp, xp.reshape(y, (x.shape[0], c, *places)), bias)


conv1d = conv2d


def conv_transpose2d(
    xp: Any, x: Array, weight: Array, bias: Array | None = None, stride: int = 1, padding: int = 0
) -> Array:
    """The adjoint of `conv2d` by its input: weight (d, c, *kernel), `x` scattered over windows of the output."""
    kernel = weight.shape[2:]
    n, d, *sizes = x.shape
    full = tuple((size - 1) * stride + width for size, width in zip(sizes, kernel, strict=True))
    columns = xp.matmul(xp.permute_dims(xp.reshape(weight, (d, -1)), (1, 0)), xp.reshape(x, (n, d, -1)))
    columns = xp.reshape(columns, (n, weight.shape[1], *kernel, *sizes))
    every = (slice(None), slice(None))
    y = xp.scatter(columns, (*every, *windows(full, kernel, stride)), (n, weight.shape[1], *full))
    kept = tuple(slice(padding, size - padding) for size in full)
    return _add_bias(xp, xp.index(y, (*every, *kept)), bias)


conv_transpose1d = conv_transpose2d
