"""Elementwise activations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from xcheck._lazy import torch
from xcheck.program._program import Array, Layer

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Tanh(Layer):
    """`y = tanh(x)`."""

    def apply(self, xp: Any, params: Mapping[str, Array], x: Array) -> Array:
        return xp.tanh(x)

    def torch(self) -> nn.Module:
        return torch.nn.Tanh()


@dataclass(frozen=True)
class Sigmoid(Layer):
    """`y = 1 / (1 + exp(-x))`."""

    def apply(self, xp: Any, params: Mapping[str, Array], x: Array) -> Array:
        return xp.nn.sigmoid(x)

    def torch(self) -> nn.Module:
        return torch.nn.Sigmoid()


@dataclass(frozen=True)
class ReLU(Layer):
    """`y = max(x, 0)`; its derivative at 0 is a convention."""

    def apply(self, xp: Any, params: Mapping[str, Array], x: Array) -> Array:
        return xp.nn.relu(x)

    def torch(self) -> nn.Module:
        return torch.nn.ReLU()
