"""Pooling: averages are linear maps, maxima pick entries; windows may overlap."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from xcheck.layerwise._registry import register
from xcheck.layerwise.layers.linear_map import Flat, LinearMap


def _tuple(value: Any, size: int) -> list[int]:
    return [value] * size if isinstance(value, int) else list(value)


@register(nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d)
class AvgPool(LinearMap):
    """Means over windows; in one dimension they are windows of height 1 in two."""

    def apply(self, x: Tensor) -> Tensor:
        """The module's own."""
        return self.module.forward(x)

    def transpose(self, g: Tensor) -> Tensor:
        """Every mean handed back to its window in equal shares."""
        pool, size = self.module, self.x.ndim - 2
        kernel, stride, padding = (_tuple(v, size) for v in (pool.kernel_size, pool.stride, pool.padding))
        like = self.x[:1].expand(len(g), *self.x.shape[1:])
        divisor = getattr(pool, "divisor_override", None)
        if size == 1:
            back = torch.ops.aten.avg_pool2d_backward(
                g.unsqueeze(2), like.unsqueeze(2), [1, *kernel], [1, *stride], [0, *padding], pool.ceil_mode,
                pool.count_include_pad, divisor,
            )  # fmt: skip
            return back.squeeze(2)
        backward = torch.ops.aten.avg_pool2d_backward if size == 2 else torch.ops.aten.avg_pool3d_backward
        return backward(g, like, kernel, stride, padding, pool.ceil_mode, pool.count_include_pad, divisor)


@register(nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d)
class AdaptiveAvgPool(LinearMap):
    """Means over windows that divide the input."""

    def apply(self, x: Tensor) -> Tensor:
        """The module's own."""
        return self.module.forward(x)

    def transpose(self, g: Tensor) -> Tensor:
        """Every mean handed back to its window in equal shares."""
        like = self.x[:1].expand(len(g), *self.x.shape[1:])
        if self.x.ndim == 5:
            return torch.ops.aten._adaptive_avg_pool3d_backward(g, like)
        if self.x.ndim == 4:
            return torch.ops.aten._adaptive_avg_pool2d_backward(g, like)
        return torch.ops.aten._adaptive_avg_pool2d_backward(g.unsqueeze(2), like.unsqueeze(2)).squeeze(2)


class _Picked(Flat):
    """`y = x[index]`: which entry is the maximum is decided once, as PyTorch decides ties."""

    index: Tensor

    def _pick(self, v: Tensor) -> Tensor:
        return v.flatten(3).gather(3, self.index.flatten(2).expand(len(v), -1, -1, -1)).unflatten(3, self.y.shape[2:])

    def _put(self, g: Tensor) -> Tensor:
        index = self.index.flatten(2).expand(len(g), -1, -1, -1)
        empty = g.new_zeros(*g.shape[:2], self.x.shape[1], self.x.shape[2:].numel())
        return empty.scatter_add(3, index, g.flatten(3)).unflatten(3, self.x.shape[2:])

    def jvp(self, v: Tensor) -> Tensor:
        """The tangents of the picked entries."""
        return self._pick(v)

    def vjp(self, g: Tensor) -> Tensor:
        """Cotangents to where the entries came from; windows that share one add up."""
        return self._put(g)

    def vjp_squared(self, m: Tensor) -> Tensor:
        """The entries of J are 0 and 1."""
        return self._put(m[None])[0]

    def jvp_squared(self, m: Tensor) -> Tensor:
        """The entries of J are 0 and 1."""
        return self._pick(m[None])[0]


@register(nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d)
class MaxPool(_Picked):
    """Maxima over windows."""

    def forward(self, x: Tensor) -> Tensor:
        """The maxima, and where they lie."""
        pool = self.module
        function = getattr(functional, f"max_pool{x.ndim - 2}d")
        y, self.index = function(
            x, pool.kernel_size, pool.stride, pool.padding, pool.dilation, pool.ceil_mode, return_indices=True
        )
        return y


@register(nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d, nn.AdaptiveMaxPool3d)
class AdaptiveMaxPool(_Picked):
    """Maxima over windows that divide the input."""

    def forward(self, x: Tensor) -> Tensor:
        """The maxima, and where they lie."""
        function = getattr(functional, f"adaptive_max_pool{x.ndim - 2}d")
        y, self.index = function(x, self.module.output_size, return_indices=True)
        return y
