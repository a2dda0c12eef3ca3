"""Normalisation over the features of an example, over groups of them, or over the batch."""

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
class Affine(Layer):
    """`weight` and `bias`, one number each a feature, scattered around 1 and 0."""

    d: int

    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {"weight": (self.d,), "bias": (self.d,)}

    def init(self, seed: int) -> dict[str, Descriptor]:
        return around(self.shapes(), CENTRES, seed, scale=0.25)


@dataclass(frozen=True)
class LayerNorm(Affine):
    """`y = (x - mean) / sqrt(var + eps) * weight + bias` over the last axis, var without Bessel's correction."""

    def apply(self, xp: Any, params: Mapping[str, Array], x: Array) -> Array:
        return xp.nn.layer_norm(x, params["weight"], params["bias"], EPS)

    def torch(self) -> nn.Module:
        return torch.nn.LayerNorm(self.d, eps=EPS)


@dataclass(frozen=True)
class RMSNorm(Affine):
    """`y = x / sqrt(mean(x^2) + eps) * weight` over the last axis (Zhang and Sennrich 2019)."""

    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {"weight": (self.d,)}

    def apply(self, xp: Any, params: Mapping[str, Array], x: Array) -> Array:
        return xp.nn.rms_norm(x, params["weight"], EPS)

    def torch(self) -> nn.Module:
        return torch.nn.RMSNorm(self.d, eps=EPS)


@dataclass(frozen=True)
class GroupNorm(Affine):
    """`LayerNorm` over each of `groups` groups of the d channels of (n, d, ...), for each example."""

    groups: int

    def apply(self, xp: Any, params: Mapping[str, Array], x: Array) -> Array:
        return xp.nn.group_norm(x, self.groups, params["weight"], params["bias"], EPS)

    def torch(self) -> nn.Module:
        return torch.nn.GroupNorm(self.groups, self.d, eps=EPS)


@dataclass(frozen=True)
class InstanceNorm1d(Affine):
    """`LayerNorm` over the positions of each channel of (n, d, t), for each example."""

    def apply(self, xp: Any, params: Mapping[str, Array], x: Array) -> Array:
        return xp.nn.instance_norm(x, params["weight"], params["bias"], EPS)

    def torch(self) -> nn.Module:
        return torch.nn.InstanceNorm1d(self.d, eps=EPS, affine=True)


@dataclass(frozen=True)
class BatchNorm(Affine):
    """`y = (x - mean) / sqrt(var + eps) * weight + bias` over the batch axis of (n, d).

    In training, mean and var are those of the batch, so that every output depends on every example; in evaluation they
    are the running statistics, which belong to the module's state.
    """

    training: bool

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
