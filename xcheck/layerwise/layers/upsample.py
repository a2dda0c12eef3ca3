"""Upsampling by interpolation: linear in x."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from xcheck.layerwise._registry import register
from xcheck.layerwise.layers.linear_map import LinearMap


@register(nn.Upsample)
class Upsample(LinearMap):
    """Nearest, linear, bilinear, bicubic, trilinear."""

    module: nn.Upsample

    def apply(self, x: Tensor) -> Tensor:
        """The module's own."""
        return self.module.forward(x)

    def transpose(self, g: Tensor) -> Tensor:
        """torch's own backward of the same mode."""
        up, size = self.module, self.x.ndim - 2
        name = "_upsample_nearest_exact" if up.mode == "nearest-exact" else f"upsample_{up.mode}"
        op = getattr(torch.ops.aten, f"{name}{size}d_backward")
        scales = [None] * size if up.scale_factor is None else _scales(up.scale_factor, size)
        aligned = [] if "nearest" in up.mode else [bool(up.align_corners)]
        shape = [len(g), *self.x.shape[1:]]
        return op(g.contiguous(), list(self.y.shape[2:]), shape, *aligned, *scales)


def _scales(value: Any, size: int) -> list[float]:
    return [float(v) for v in (value if isinstance(value, tuple) else (value,) * size)]
