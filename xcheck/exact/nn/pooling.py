"""Pooling over windows that do not overlap."""

from __future__ import annotations

from typing import Any

from xcheck.exact.nn.convolutions import patches

__all__ = ["avg_pool1d", "avg_pool2d", "max_pool1d", "max_pool2d"]

Array = Any  # xcheck.exact.namespace.Array


def _windows(xp: Any, x: Array, size: int) -> tuple[Array, tuple[int, ...]]:
    """Windows of `size` in each spatial axis, and the axes within them."""
    spatial = x.ndim - 2
    return patches(xp, x, (size,) * spatial, size), tuple(range(2, 2 + spatial))


def avg_pool2d(xp: Any, x: Array, size: int) -> Array:
    columns, axes = _windows(xp, x, size)
    return xp.mean(columns, axis=axes)


def max_pool2d(xp: Any, x: Array, size: int) -> Array:
    columns, axes = _windows(xp, x, size)
    return xp.max(columns, axis=axes, kind="max_pool")


avg_pool1d, max_pool1d = avg_pool2d, max_pool2d
