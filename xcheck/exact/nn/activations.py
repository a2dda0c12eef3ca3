"""Activations."""

from __future__ import annotations

from typing import Any

__all__ = ["elu", "erf", "gelu", "hardtanh", "leaky_relu", "relu", "rsqrt", "sigmoid", "silu", "softplus"]

Array = Any  # xcheck.exact.namespace.Array


def relu(xp: Any, x: Array) -> Array:
    return xp.branch("relu", x, x, 0.0)


def leaky_relu(xp: Any, x: Array, slope: float = 0.01) -> Array:
    return xp.branch("leaky_relu", x, x, slope * x)


def elu(xp: Any, x: Array, alpha: float = 1.0) -> Array:
    return xp.branch("elu", x, x, alpha * xp.expm1(x))


def hardtanh(xp: Any, x: Array, low: float = -1.0, high: float = 1.0) -> Array:
    x = xp.branch("hardtanh", x - low, x, low)
    return xp.branch("hardtanh", high - x, x, high)


def sigmoid(xp: Any, x: Array) -> Array:
    return xp.unary("sigmoid", x)


def softplus(xp: Any, x: Array, threshold: float | None = None) -> Array:
    """`log(1 + exp x)`, or x itself above a threshold, as PyTorch has it at 20."""
    y = xp.unary("softplus", x)
    return y if threshold is None else xp.branch("softplus", x - threshold, x, y)


def silu(xp: Any, x: Array) -> Array:
    return x * sigmoid(xp, x)


def erf(xp: Any, x: Array) -> Array:
    return xp.unary("erf", x)


def gelu(xp: Any, x: Array, approximate: bool = False) -> Array:
    """`x (1 + erf(x / sqrt 2)) / 2`, or `x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) / 2`."""
    root_half = xp.sqrt(0.5)
    if not approximate:
        return 0.5 * x * (1.0 + erf(xp, x * root_half))
    # erf'(0) = 2 / sqrt(pi) is how pi enters an algebra that has functions and no constants.
    root_two_over_pi = xp.unary("erf", 0.0, 1) * root_half
    return 0.5 * x * (1.0 + xp.tanh(root_two_over_pi * (x + 0.044715 * (x * x * x))))


def rsqrt(xp: Any, x: Array) -> Array:
    return 1.0 / xp.sqrt(x)
