"""Layers made of layers: a residual connection, and one layer used several times."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from xcheck.arrays import Descriptor
from xcheck.program._program import Array, Layer
from xcheck.program.layers._modules import module_of

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Wrapper(Layer):
    """Has the parameters and buffers of `layer`, under the prefix "layer."."""

    layer: Layer

    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {f"layer.{name}": shape for name, shape in self.layer.shapes().items()}

    def init(self, seed: int) -> dict[str, Descriptor]:
        return {f"layer.{name}": descriptor for name, descriptor in self.layer.init(seed).items()}

    def buffers(self) -> dict[str, Descriptor]:
        return {f"layer.{name}": descriptor for name, descriptor in self.layer.buffers().items()}

    def inner(self, xp: Any, params: Mapping[str, Array], x: Array) -> Array:
        return self.layer.apply(xp, {name.removeprefix("layer."): value for name, value in params.items()}, x)


@dataclass(frozen=True)
class Residual(Wrapper):
    """`y = x + layer(x)`."""

    def apply(self, xp: Any, params: Mapping[str, Array], x: Array) -> Array:
        return x + self.inner(xp, params, x)

    def torch(self) -> nn.Module:
        return module_of(lambda children, x: x + children.layer(x), layer=self.layer.torch())


@dataclass(frozen=True)
class Twice(Wrapper):
    """`y = layer(layer(x))`: one set of parameters that acts in two places."""

    def apply(self, xp: Any, params: Mapping[str, Array], x: Array) -> Array:
        return self.inner(xp, params, self.inner(xp, params, x))

    def torch(self) -> nn.Module:
        return module_of(lambda children, x: children.layer(children.layer(x)), layer=self.layer.torch())
