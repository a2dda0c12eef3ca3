"""Pooling over windows, which overlap where the stride is smaller than they are."""

from __future__ import annotations

from typing import Any

from xcheck.exact.nn.convolutions import patches

__all__ = ["avg_pool1d", "avg_pool2d", "max_pool1d", "max_pool2d"]

Array = Any  # xcheck.exact.namespace.Array


def _windows(xp: Any, x: Array, size: int, stride: int | None) -> tuple[Array, tuple[int, ...]]:
    """Windows of `size` in each spatial axis, `stride` (or `size`) apart, and the axes within them."""
    spatial = x.ndim - 2
    return patches(xp, x, (size,) * spatial, stride or size), tuple(range(2, 2 + spatial))


def avg_pool2d(xp: Any, x: Array, size: int, stride: int | None = None) -> Array:
    columns, axes = _windows(xp, x, size, stride)
    return xp.mean(columns, axis=axes)


def max_pool2d(xp: Any, x: Array, size: int, stride: int | None = None) -> Array:
    columns, axes = _windows(xp, x, size, stride)
    return xp.max(columns, axis=axes, kind="max_pool")


avg_pool1d, max_pool1d = avg_pool2d, max_pool2d
