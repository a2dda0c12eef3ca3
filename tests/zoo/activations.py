"""Activations that are wrong, or have wrong derivatives, in PyTorch."""

from __future__ import annotations

from xcheck._lazy import torch


def tanh_of_low_order(x):
    """The [3/2] approximant of its continued fraction, cut off where it reaches 1."""
    x = torch.clamp(x, -3, 3)
    return x * (27 + x * x) / (27 + 9 * x * x)


def tanh_of_high_order(x):
    """The [7/6] approximant: 4e-7 off at 2, as a fast float32 tanh may be."""
    z = x * x
    return x * (135135 + z * (17325 + z * (378 + z))) / (135135 + z * (62370 + z * (3150 + 28 * z)))


def tanh_with_slope_1_minus_y(x):
    """`1 - (1 - y) exp(x0 - x)` solves y' = 1 - y, so every derivative is that of the wrong rule."""
    x0 = x.detach()
    return 1 - (1 - torch.tanh(x0)) * torch.exp(x0 - x)


def tanh_with_constant_slope(x):
    """The slope is right, and taken for a constant by the second derivative."""
    x0 = x.detach()
    y = torch.tanh(x0)
    return y + (1 - y * y) * (x - x0)


def tanh_straight_through(x):
    return torch.tanh(x.detach()) + x - x.detach()


def tanh_in_float32(x):
    return torch.tanh(x.to(torch.float32)).to(x.dtype)


def tanh_without_first_unit(x):
    """Dropout that was left on."""
    kept = (torch.arange(x.shape[-1]) > 0).to(x.dtype)
    return torch.tanh(x) * (kept if x.shape[-1] > 1 else 1)
