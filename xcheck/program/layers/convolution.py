"""Convolution, pooling, and flattening: examples first, channels second."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from xcheck._lazy import torch
from xcheck.program._program import Array, Layer

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Conv2d(Layer):
    """`y[n, o] = sum_i W[o, i] * x[n, i] + b[o]`, a cross-correlation, as `torch.nn.Conv2d`; i runs over a group."""

    d: int
    c: int
    size: int
    stride: int = 1
    padding: int = 0
    groups: int = 1

    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {"weight": (self.c, self.d // self.groups, self.size, self.size), "bias": (self.c,)}

    def apply(self, xp: Any, params: Mapping[str, Array], x: Array) -> Array:
        return xp.nn.conv2d(x, params["weight"], params["bias"], self.stride, self.padding, self.groups)

    def torch(self) -> nn.Module:
        return torch.nn.Conv2d(self.d, self.c, self.size, stride=self.stride, padding=self.padding, groups=self.groups)


@dataclass(frozen=True)
class AvgPool2d(Layer):
    """The mean over windows of size x size, which overlap where the stride is smaller than the size."""

    size: int
    stride: int | None = None

    def apply(self, xp: Any, params: Mapping[str, Array], x: Array) -> Array:
        return xp.nn.avg_pool2d(x, self.size, self.stride)

    def torch(self) -> nn.Module:
        return torch.nn.AvgPool2d(self.size, self.stride)


@dataclass(frozen=True)
class MaxPool2d(Layer):
    """The largest entry of each window of size x size; an entry may win in several windows that overlap."""

    size: int
    stride: int | None = None

    def apply(self, xp: Any, params: Mapping[str, Array], x: Array) -> Array:
        return xp.nn.max_pool2d(x, self.size, self.stride)

    def torch(self) -> nn.Module:
        return torch.nn.MaxPool2d(self.size, self.stride)


@dataclass(frozen=True)
class Flatten(Layer):
    """(n, ...) to (n, d), row-major."""

    def apply(self, xp: Any, params: Mapping[str, Array], x: Array) -> Array:
        return xp.reshape(x, (x.shape[0], -1))

    def torch(self) -> nn.Module:
        return torch.nn.Flatten()
