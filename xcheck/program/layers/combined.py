"""Layers made of layers: a residual connection, one layer used several times, and a head that is declared first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from xcheck.arrays import Descriptor
from xcheck.program._program import Array, Layer
from xcheck.program.layers._modules import module_of
from xcheck.program.sequential import own

if TYPE_CHECKING:
    from torch import nn

T = TypeVar("T")


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


@dataclass(frozen=True)
class HeadFirst(Layer):
    """`y = head(body(x))`, the head's parameters before the body's, as in an optimizer with a group for each.

    >>> from xcheck.program import Linear
    >>> list(HeadFirst(Linear(3, 2), Linear(2, 1)).shapes())
    ['head.weight', 'head.bias', 'body.weight', 'body.bias']
    """

    body: Layer
    head: Layer

    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {**_prefixed("head", self.head.shapes()), **_prefixed("body", self.body.shapes())}

    def init(self, seed: int) -> dict[str, Descriptor]:
        return {**_prefixed("head", self.head.init(100 * seed)), **_prefixed("body", self.body.init(100 * seed + 1))}

    def buffers(self) -> dict[str, Descriptor]:
        return {**_prefixed("head", self.head.buffers()), **_prefixed("body", self.body.buffers())}

    def apply(self, xp: Any, params: Mapping[str, Array], x: Array) -> Array:
        return self.head.apply(xp, own(params, "head."), self.body.apply(xp, own(params, "body."), x))

    def torch(self) -> nn.Module:
        return module_of(
            lambda children, x: children.head(children.body(x)), head=self.head.torch(), body=self.body.torch()
        )


def _prefixed(prefix: str, values: Mapping[str, T]) -> dict[str, T]:
    return {f"{prefix}.{name}": value for name, value in values.items()}
