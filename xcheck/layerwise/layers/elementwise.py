"""Layers that act on each entry alone: `y = s(x)`, so `J = diag(s'(x))` and the Hessian gains `diag(s''(x) g)`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Self

from torch import Tensor, nn

from xcheck.layerwise._forms import Diagonal, Form
from xcheck.layerwise._layer import Layer, Weights
from xcheck.layerwise._once import once


class Elementwise(Layer, ABC):
    """A subclass gives `slope = s'(x)` and `bend = s''(x)`, both (n, *f); everything else follows."""

    linear = False  # True where s'' = 0 wherever s' exists: the Hessian gains nothing
    of_output = False  # True where y alone tells s' and s'': x need not be kept

    @classmethod
    def bare(cls, module: nn.Module, x: Tensor) -> Self:
        """The layer at an `x` of any layout, outside of every walk over theta: it has no weights."""
        layer = object.__new__(cls)
        layer.module, layer.x = module, x
        layer.y = layer.forward(x)
        return layer

    def forget(self) -> None:
        """Drop slope, bend and whatever else is computed when first asked for; asked for again, it is again."""
        for name in [name for name in vars(self) if isinstance(getattr(type(self), name, None), once)]:
            delattr(self, name)

    @once
    @abstractmethod
    def slope(self) -> Tensor:
        """`s'(x)`."""

    @once
    @abstractmethod
    def bend(self) -> Tensor:
        """`s''(x)`."""

    def jvp(self, v: Tensor) -> Tensor:
        """`s' v`."""
        return v * self.slope

    def vjp(self, g: Tensor) -> Tensor:
        """`s' g`."""
        return g * self.slope

    def pull_forms(self, forms: list[Form]) -> list[Form]:
        """`diag(s') Q diag(s')`."""
        return [form.scaled(self.slope) for form in forms]

    def second(self, g: Tensor, v: Tensor | None, w: Weights | None) -> tuple[Tensor | None, Weights | None]:
        """`s'' g v`."""
        return (None if v is None or self.linear else (self.bend * g) * v), None

    def residual(self, g: Tensor) -> list[Form]:
        """`diag(s'' g)`."""
        return [] if self.linear else [Diagonal(self.bend * g)]

    def residual_weight(self, g: Tensor) -> None:
        """No weights."""

    def vjp_squared(self, m: Tensor) -> Tensor:
        """`s'^2 m`."""
        return m * self.slope.square()

    def jvp_squared(self, m: Tensor) -> Tensor:
        """`s'^2 m`."""
        return m * self.slope.square()
