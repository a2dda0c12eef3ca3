"""Activations with a kink; on it the slope is PyTorch's: relu'(0) = 0, leaky_relu'(0) = its slope, elu'(0) = alpha."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from xcheck.layerwise._once import once
from xcheck.layerwise._registry import register
from xcheck.layerwise.layers.elementwise import Elementwise

# Klambauer et al. 2017, Self-Normalizing Neural Networks.
_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946


class _Straight(Elementwise):
    """Two half-lines: `s'' = 0`."""

    linear = True

    @once
    def bend(self) -> Tensor:
        """0, on the kink too."""
        return torch.zeros_like(self.y)


@register(nn.ReLU)
class ReLU(_Straight):
    """`s' = 1` for `x > 0`, which is where `y > 0`; else 0."""

    of_output = True

    def forward(self, x: Tensor) -> Tensor:
        """`max(x, 0)`, never in place."""
        return torch.relu(x)

    @once
    def slope(self) -> Tensor:
        """`y > 0`."""
        return (self.y > 0).to(self.y.dtype)


@register(nn.LeakyReLU)
class LeakyReLU(_Straight):
    """`s' = 1` for `x > 0`, else the negative slope."""

    module: nn.LeakyReLU

    def forward(self, x: Tensor) -> Tensor:
        """`x` or `a x`, never in place."""
        return nn.functional.leaky_relu(x, self.module.negative_slope)

    @once
    def slope(self) -> Tensor:
        """1 or `a`."""
        return torch.full_like(self.x, self.module.negative_slope).masked_fill_(self.x > 0, 1)


class _Exponential(Elementwise):
    """`y = c x` for `x > 0`, else `c a (e^x - 1)`."""

    alpha: float
    scale: float = 1.0

    @once
    def _tail(self) -> Tensor:
        return self.x.clamp(max=0).exp() * (self.alpha * self.scale)

    @once
    def slope(self) -> Tensor:
        """`c` or `c a e^x`."""
        return self._tail.masked_fill(self.x > 0, self.scale)

    @once
    def bend(self) -> Tensor:
        """0 or `c a e^x`; 0 on the kink, as in PyTorch's double backward."""
        return self._tail.masked_fill(self.x >= 0, 0)


@register(nn.ELU)
class ELU(_Exponential):
    """`a (e^x - 1)` for `x <= 0`."""

    module: nn.ELU

    def forward(self, x: Tensor) -> Tensor:
        """`x` or `a (e^x - 1)`, never in place."""
        self.alpha = self.module.alpha
        return nn.functional.elu(x, self.alpha)


@register(nn.SELU)
class SELU(_Exponential):
    """ELU with the constants of self-normalising networks."""

    alpha, scale = _SELU_ALPHA, _SELU_SCALE

    def forward(self, x: Tensor) -> Tensor:
        """`c x` or `c a (e^x - 1)`, never in place."""
        return nn.functional.selu(x)
