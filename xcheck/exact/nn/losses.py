"""Elementwise losses."""

from __future__ import annotations

from typing import Any

__all__ = ["bce_with_logits", "huber"]

Array = Any  # xcheck.exact.namespace.Array


def bce_with_logits(xp: Any, x: Array, y: Array) -> Array:
    """`-y log s - (1 - y) log(1 - s)` with `s = sigmoid(x)`."""
    return xp.unary("softplus", x) - x * y


def huber(xp: Any, x: Array, y: Array, delta: float = 1.0) -> Array:
    """`e^2 / 2` where `|e| < delta`, else `delta (|e| - delta / 2)`, with `e = x - y` (Huber 1964)."""
    e = x - y
    size = xp.abs(e)
    return xp.branch("huber", delta - size, 0.5 * (e * e), delta * (size - 0.5 * delta))
