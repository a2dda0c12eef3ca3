"""Sequential: layers one after the other, with PyTorch's parameter names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from xcheck._lazy import torch
from xcheck.arrays import Descriptor
from xcheck.program._program import Array, Layer, Program

if TYPE_CHECKING:
    from torch import nn


class Sequential(Layer):
    """`layers[-1](... layers[0](x))`; the parameters of layer i are called "i.weight", "i.bias", as in PyTorch.

    >>> from xcheck.program import Linear, Tanh
    >>> Sequential(Linear(1, 3), Tanh(), Linear(3, 2)).shapes()
    {'0.weight': (3, 1), '0.bias': (3,), '2.weight': (2, 3), '2.bias': (2,)}
    """

    def __init__(self, *layers: Layer) -> None:
        self.layers = layers

    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {f"{i}.{name}": s for i, layer in enumerate(self.layers) for name, s in layer.shapes().items()}

    def init(self, seed: int) -> dict[str, Descriptor]:
        return {
            f"{i}.{name}": descriptor
            for i, layer in enumerate(self.layers)
            for name, descriptor in layer.init(100 * seed + i).items()
        }

    def buffers(self) -> dict[str, Descriptor]:
        return {f"{i}.{name}": d for i, layer in enumerate(self.layers) for name, d in layer.buffers().items()}

    def apply(self, xp: Any, params: Mapping[str, Array], x: Array) -> Array:
        for i, layer in enumerate(self.layers):
            x = layer.apply(xp, select(params, i), x)
        return x

    def torch(self) -> nn.Module:
        return torch.nn.Sequential(*(layer.torch() for layer in self.layers))

    def __repr__(self) -> str:
        return f"Sequential({', '.join(map(repr, self.layers))})"


def select(params: Mapping[str, Array], child: int | str) -> dict[str, Array]:
    """The parameters of one child, without its prefix."""
    return own(params, f"{child}.")


def chain(program: Program, prefix: str = "") -> Iterator[tuple[str, Program]]:
    """The layers of nested Sequentials from input to output, with the prefix of their parameters; else the program.

    >>> from xcheck.program import Linear, Tanh
    >>> [(prefix, layer.shapes()) for prefix, layer in chain(Sequential(Sequential(Linear(1, 2)), Tanh()))]
    [('0.0.', {'weight': (2, 1), 'bias': (2,)}), ('1.', {})]
    """
    if isinstance(program, Sequential):
        for i, layer in enumerate(program.layers):
            yield from chain(layer, f"{prefix}{i}.")
    else:
        yield prefix, program


def own(params: Mapping[str, Array], prefix: str) -> dict[str, Array]:
    """The parameters with a prefix, without it."""
    return {name.removeprefix(prefix): value for name, value in params.items() if name.startswith(prefix)}
