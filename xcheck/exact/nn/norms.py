"""Normalisation: `(x - mean) / sqrt(var + eps) * weight + bias`; var is without Bessel's correction."""

from __future__ import annotations

from typing import Any

__all__ = ["batch_norm", "group_norm", "instance_norm", "layer_norm", "rms_norm"]

Array = Any  # xcheck.exact.namespace.Array


def _standardised(xp: Any, x: Array, axes: int | tuple[int, ...], eps: float) -> Array:
    centred = x - xp.mean(x, axis=axes, keepdims=True)
    return centred / xp.sqrt(xp.mean(centred * centred, axis=axes, keepdims=True) + eps)


def _by_channel(xp: Any, x: Array, a: Array) -> Array:
    """(c,) against (n, c, ...)."""
    return xp.reshape(a, (1, -1, *[1] * (x.ndim - 2)))


def layer_norm(xp: Any, x: Array, weight: Array, bias: Array, eps: float) -> Array:
    """Over the last axis."""
    return _standardised(xp, x, -1, eps) * weight + bias


def rms_norm(xp: Any, x: Array, weight: Array, eps: float) -> Array:
    """`x / sqrt(mean(x^2) + eps) * weight` over the last axis (Zhang and Sennrich 2019)."""
    return x / xp.sqrt(xp.mean(x * x, axis=-1, keepdims=True) + eps) * weight


def group_norm(xp: Any, x: Array, groups: int, weight: Array, bias: Array, eps: float) -> Array:
    """Over groups of channels of (n, c, ...), for each example."""
    grouped = xp.reshape(x, (x.shape[0], groups, -1))
    y = xp.reshape(_standardised(xp, grouped, -1, eps), x.shape)
    return y * _by_channel(xp, x, weight) + _by_channel(xp, x, bias)


def instance_norm(xp: Any, x: Array, weight: Array, bias: Array, eps: float) -> Array:
    """Over each channel of (n, c, ...), for each example."""
    return group_norm(xp, x, x.shape[1], weight, bias, eps)


def batch_norm(
    xp: Any, x: Array, weight: Array, bias: Array, eps: float, mean: Array | None = None, var: Array | None = None
) -> Array:
    """Over all axes of (n, c, ...) but the channel's; with a mean and a var, by these (evaluation)."""
    if mean is None:
        y = _standardised(xp, x, tuple(k for k in range(x.ndim) if k != 1), eps)
    else:
        y = (x - _by_channel(xp, x, mean)) / xp.sqrt(_by_channel(xp, x, var) + eps)
    return y * _by_channel(xp, x, weight) + _by_channel(xp, x, bias)
