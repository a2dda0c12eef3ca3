"""Normalisation over the features of an example, or over the batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from xcheck._lazy import torch
from xcheck.arrays import Descriptor, Normal, Uniform
from xcheck.program._program import Array, Layer, around

if TYPE_CHECKING:
    from torch import nn

CENTRES = {"weight": 1.0, "bias": 0.0}
# A power of two: 1e-5 is another number in float32 than in float64, and so would the function be.
EPS = 2.0**-16


@dataclass(frozen=True)
class LayerNorm(Layer):
    """`y = (x - mean) / sqrt(var + eps) * weight + bias` over the last axis, var without Bessel's correction."""

    d: int

    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {"weight": (self.d,), "bias": (self.d,)}

    def init(self, seed: int) -> dict[str, Descriptor]:
        return around(self.shapes(), CENTRES, seed, scale=0.25)

    def apply(self, xp: Any, params: Mapping[str, Array], x: Array) -> Array:
        return xp.nn.layer_norm(x, params["weight"], params["bias"], EPS)

    def torch(self) -> nn.Module:
        return torch.nn.LayerNorm(self.d, eps=EPS)


@dataclass(frozen=True)
class BatchNorm(Layer):
    """`y = (x - mean) / sqrt(var + eps) * weight + bias` over the batch axis of (n, d).

    In training, mean and var are those of the batch, so that every output depends on every example; in evaluation they
    are the running statistics, which belong to the module's state.
    """

    d: int
    training: bool

    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {"weight": (self.d,), "bias": (self.d,)}

    def init(self, seed: int) -> dict[str, Descriptor]:
        return around(self.shapes(), CENTRES, seed, scale=0.25)

    def buffers(self) -> dict[str, Descriptor]:
        return {
            "running_mean": Normal((self.d,), seed=self.d, scale=0.25),
            "running_var": Uniform((self.d,), seed=self.d, low=0.5, high=1.5),
        }

    def apply(self, xp: Any, params: Mapping[str, Array], x: Array) -> Array:
        if self.training:
            mean, var = xp.mean(x, axis=0), xp.var(x, axis=0)
        else:
            mean, var = (xp.nn.constant(d.make(), x) for d in self.buffers().values())
        return (x - mean) / xp.sqrt(var + EPS) * params["weight"] + params["bias"]

    def torch(self) -> nn.Module:
        return torch.nn.BatchNorm1d(self.d, eps=EPS).train(self.training)
