"""Layers that are linear in x and have no weights: a subclass gives the map and its transpose."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

from torch import Tensor

from xcheck.layerwise._forms import Form
from xcheck.layerwise._layer import Layer, Weights


def columnwise(function: Callable[[Tensor], Tensor], columns: Tensor) -> Tensor:
    """A function of a batch, on `k` columns of `n` examples at once: (k, n, *in) -> (k, n, *out)."""
    return function(columns.flatten(0, 1)).unflatten(0, columns.shape[:2])


class Flat(Layer):
    """A layer that bends nowhere: no second derivative by x, none by its weights."""

    def second(self, g: Tensor, v: Tensor | None, w: Weights | None) -> tuple[Tensor | None, Weights | None]:
        """Zero."""
        return None, None

    def residual(self, g: Tensor) -> list[Form]:
        """Zero."""
        return []

    def residual_weight(self, g: Tensor) -> None:
        """Zero."""


class LinearMap(Flat, ABC):
    """`y = A x`, `J v = A v`, `g J = A^T g`, with the same A for every example."""

    constant = True

    @abstractmethod
    def apply(self, x: Tensor) -> Tensor:
        """`A x` for a batch."""

    @abstractmethod
    def transpose(self, g: Tensor) -> Tensor:
        """`A^T g` for a batch."""

    def forward(self, x: Tensor) -> Tensor:
        """`A x`."""
        return self.apply(x)

    def jvp(self, v: Tensor) -> Tensor:
        """`A v`."""
        return columnwise(self.apply, v)

    def vjp(self, g: Tensor) -> Tensor:
        """`A^T g`."""
        return columnwise(self.transpose, g)
