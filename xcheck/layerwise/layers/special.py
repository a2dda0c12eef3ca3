"""Sine and exponentials, and the L2 normalisation."""

from __future__ import annotations

import torch
from torch import Tensor

from xcheck.layerwise._layer import Layer, Weights
from xcheck.layerwise._once import once
from xcheck.layerwise._registry import register
from xcheck.layerwise.layers.elementwise import Elementwise
from xcheck.layerwise.modules import Exp, L2Norm, Sin, TruncExp


@register(Sin)
class SinLayer(Elementwise):
    """`s' = cos x`, `s'' = -sin x`."""

    @once
    def slope(self) -> Tensor:
        """`cos x`."""
        return torch.cos(self.x)

    @once
    def bend(self) -> Tensor:
        """`-y`."""
        return -self.y


@register(Exp)
class ExpLayer(Elementwise):
    """`s' = s'' = y`."""

    @once
    def slope(self) -> Tensor:
        """`y`."""
        return self.y

    @once
    def bend(self) -> Tensor:
        """`y`."""
        return self.y


@register(TruncExp)
class TruncExpLayer(Elementwise):
    """`s' = e^clamp(x)`; `s''` the same inside the limit, 0 outside."""

    module: TruncExp

    @once
    def slope(self) -> Tensor:
        """`e^clamp(x)`."""
        return self.x.clamp(-self.module.limit, self.module.limit).exp()

    @once
    def bend(self) -> Tensor:
        """`e^x` inside."""
        return self.slope.where(self.x.abs() <= self.module.limit, 0)


@register(L2Norm)
class L2NormLayer(Layer):
    """With `r = |x|`, `q = 1 / (r + eps)`: `J = q I - q^2 x x^T / r`, symmetric; at x = 0 the norm has slope 0."""

    module: L2Norm

    @once
    def _inverse(self) -> tuple[Tensor, Tensor]:
        r = torch.linalg.vector_norm(self.x.flatten(1), dim=1).view(-1, *[1] * (self.x.ndim - 1))
        return 1 / (r + self.module.eps), torch.where(r > 0, 1 / r, 0)

    def _along(self, a: Tensor, b: Tensor) -> Tensor:
        """`a . b` of every example, kept broadcastable."""
        product = (a * b).flatten(2).sum(2)
        return product.view(*product.shape, *[1] * (self.x.ndim - 1))

    def jvp(self, v: Tensor) -> Tensor:
        """`q v - q^2 x (x.v) / r`."""
        q, inverse = self._inverse
        return q * (v - q * self.x * self._along(self.x[None], v) * inverse)

    def vjp(self, g: Tensor) -> Tensor:
        """J is symmetric."""
        return self.jvp(g)

    def second(self, g: Tensor, v: Tensor | None, w: Weights | None) -> tuple[Tensor | None, Weights | None]:
        """The derivative of `q g - q^2 x (x.g) / r` along v, with `dr = x.v / r` and `dq = -q^2 dr`."""
        if v is None:
            return None, None
        q, inverse = self._inverse
        xg = self._along(self.x[None], g[None]) * inverse
        dr = self._along(self.x[None], v) * inverse
        bent = v * xg + self.x * self._along(v, g[None]) * inverse - self.x * xg * dr * inverse
        return q * q * (2 * q * dr * self.x * xg - dr * g - bent), None

    def residual_weight(self, g: Tensor) -> None:
        """No weights."""
