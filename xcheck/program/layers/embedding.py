"""Embedding of tokens, and the mean over positions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from xcheck._lazy import torch
from xcheck.program._program import Array, Layer
from xcheck.program.layers._modules import module_of

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Embedding(Layer):
    """`y[n, t] = W[x[n, t]]`: the gradient of a row sums over all positions of its token."""

    tokens: int
    d: int

    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {"weight": (self.tokens, self.d)}

    def apply(self, xp: Any, params: Mapping[str, Array], x: Array) -> Array:
        return xp.nn.take(params["weight"], x)

    def torch(self) -> nn.Module:
        return torch.nn.Embedding(self.tokens, self.d)


@dataclass(frozen=True)
class MeanPool(Layer):
    """The mean over axis 1: (n, t, d) to (n, d)."""

    def apply(self, xp: Any, params: Mapping[str, Array], x: Array) -> Array:
        return xp.mean(x, axis=1)

    def torch(self) -> nn.Module:
        return module_of(lambda children, x: x.mean(dim=1))
