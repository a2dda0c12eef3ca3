"""Activations: `slope = s'` and `bend = s''`, as formulas of `x` and of `y = s(x)`."""

from __future__ import annotations

from functools import lru_cache
from math import pi, sqrt

import torch
from torch import Tensor, nn

from xcheck.layerwise._once import once
from xcheck.layerwise._registry import register
from xcheck.layerwise.layers.elementwise import Elementwise


@lru_cache(maxsize=16)
def _one(dtype: torch.dtype, device: torch.device) -> Tensor:
    """1, kept: never written to."""
    return torch.ones((), dtype=dtype, device=device)


@register(nn.Tanh)
class Tanh(Elementwise):
    """`s' = 1 - y^2`, `s'' = -2 y s'`."""

    of_output = True

    def forward(self, x: Tensor) -> Tensor:
        """`tanh x`."""
        return torch.tanh(x)

    @once
    def slope(self) -> Tensor:
        """`1 - y^2`."""
        return torch.addcmul(_one(self.y.dtype, self.y.device), self.y, self.y, value=-1)

    @once
    def bend(self) -> Tensor:
        """`-2 y s'`."""
        return (self.y * self.slope).mul_(-2)


@register(nn.Sigmoid)
class Sigmoid(Elementwise):
    """`s' = y (1 - y)`, `s'' = (1 - 2 y) s'`."""

    def forward(self, x: Tensor) -> Tensor:
        """`1 / (1 + e^-x)`."""
        return torch.sigmoid(x)

    @once
    def slope(self) -> Tensor:
        """`s(x) s(-x)`: no cancellation where y is near 1."""
        return self.y * torch.sigmoid(-self.x)

    @once
    def bend(self) -> Tensor:
        """`(s(-x) - s(x)) s'`."""
        return (torch.sigmoid(-self.x) - self.y) * self.slope


@register(nn.SiLU)
class SiLU(Elementwise):
    """`y = x s(x)` with the sigmoid `s`: `y' = s + x s'`, `y'' = 2 s' + x s''`."""

    @once
    def _sigmoid(self) -> tuple[Tensor, Tensor]:
        up, down = torch.sigmoid(self.x), torch.sigmoid(-self.x)
        return up, down

    @once
    def slope(self) -> Tensor:
        """`s (1 + x s(-x))`."""
        up, down = self._sigmoid
        return up * (1 + self.x * down)

    @once
    def bend(self) -> Tensor:
        """`s s(-x) (2 + x (s(-x) - s))`."""
        up, down = self._sigmoid
        return up * down * (2 + self.x * (down - up))


@register(nn.GELU)
class GELU(Elementwise):
    """`y = x P(x)`, P the normal distribution with density p: `y' = P + x p`, `y'' = p (2 - x^2)`; or by tanh."""

    module: nn.GELU

    @once
    def _curve(self) -> tuple[Tensor, Tensor]:
        x = self.x
        if self.module.approximate == "none":
            density = torch.exp(x.square() * -0.5) / sqrt(2 * pi)
            return torch.erfc(x * -sqrt(0.5)) * 0.5 + x * density, density * (2 - x.square())
        # y = x (1 + t) / 2, t = tanh u, u = a (x + b x^3); Hendrycks and Gimpel 2016.
        a, b = sqrt(2 / pi), 0.044715
        t = torch.tanh(a * (x + b * x**3))
        du, ddu = a * (1 + 3 * b * x.square()), 6 * a * b * x
        dt = (1 - t.square()) * du
        ddt = (1 - t.square()) * (ddu - 2 * t * du.square())
        return (1 + t) * 0.5 + x * dt * 0.5, dt + x * ddt * 0.5

    @once
    def slope(self) -> Tensor:
        """`P + x p`."""
        return self._curve[0]

    @once
    def bend(self) -> Tensor:
        """`p (2 - x^2)`."""
        return self._curve[1]


@register(nn.Softplus)
class Softplus(Elementwise):
    """`y = log(1 + e^(beta x)) / beta`, and `x` above the threshold: slope `s(beta x)`, bend `beta s s(-beta x)`."""

    module: nn.Softplus

    @once
    def _inside(self) -> Tensor:
        return self.x * self.module.beta <= self.module.threshold

    @once
    def slope(self) -> Tensor:
        """The sigmoid, and 1 above the threshold."""
        return torch.sigmoid(self.x * self.module.beta).where(self._inside, 1)

    @once
    def bend(self) -> Tensor:
        """`beta s s(-)`, and 0 above the threshold."""
        z = self.x * self.module.beta
        return (torch.sigmoid(z) * torch.sigmoid(-z) * self.module.beta).where(self._inside, 0)
