"""Plain chains: linear and elementwise layers on vectors, run features first, (f, n), with next to nothing in between.

The general walk carries axes for many tangents and any shape; on narrow networks those views cost more than the
products. What is plain is read off the modules before anything runs, so that a walk may lay out its own memory.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from xcheck.layerwise._chain import Chain
from xcheck.layerwise._registry import find
from xcheck.layerwise.layers.elementwise import Elementwise
from xcheck.layerwise.layers.linear import NARROW, Linear


class Affine:
    """`z = W a + b`, with what reaches it once the chain has run."""

    __slots__ = ("a", "bias", "weight")

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        self.weight, self.bias = weight, bias
        self.a: Tensor = weight  # until the chain runs

    @property
    def parts(self) -> tuple[Tensor, ...]:
        """Weight and bias, as theta has them."""
        return (self.weight,) if self.bias is None else (self.weight, self.bias)


class Bend:
    """`a = s(z)`: the class of the elementwise layer, its module, and the layer at z once the chain has run."""

    __slots__ = ("kind", "layer", "module")

    def __init__(self, kind: type[Elementwise], module: nn.Module) -> None:
        self.kind, self.module = kind, module

    def at(self, z: Tensor) -> Tensor:
        """`s(z)`."""
        self.layer = self.kind.bare(self.module, z)
        if self.kind.of_output:
            del self.layer.x  # and with it the memory of an activation
        return self.layer.y


Plain = list[Affine | Bend]


def plain(module: nn.Module, x: Tensor) -> Plain | None:
    """The layers from input to output; None if others are among them, weights are shared, or a graph is kept."""
    found: Plain = []
    if x.ndim != 2 or not x.shape[0] or torch.is_grad_enabled() or not _gather(module, found):
        return None
    weights = [id(one.weight) for one in found if isinstance(one, Affine)]
    biases = [id(one.bias) for one in found if isinstance(one, Affine) and one.bias is not None]
    distinct = len({*weights, *biases}) == len(weights) + len(biases)
    return found if weights and distinct else None


def narrow(module: nn.Module, x: Tensor) -> Plain | None:
    """The same where every width is at most NARROW: there the views of the general walk cost most."""
    found = plain(module, x)
    if found is None or any(max(one.weight.shape) > NARROW for one in found if isinstance(one, Affine)):
        return None
    return found


def _gather(module: nn.Module, found: Plain) -> bool:
    kind = find(module)
    if kind is Chain:
        return all(child is not None and _gather(child, found) for child in module._modules.values())
    if kind is Linear:
        weight = module._parameters.get("weight")
        if weight is not None:  # a parametrisation keeps it elsewhere
            found.append(Affine(weight, module._parameters["bias"]))
        return weight is not None
    if kind is None or not issubclass(kind, Elementwise) or module._parameters:
        return False
    found.append(Bend(kind, module))
    return True


def forward(chain: Plain, x: Tensor) -> Tensor:
    """Run the chain, each layer keeping its input: the outputs (c, n)."""
    a = x.t().contiguous()
    for one in chain:
        if isinstance(one, Affine):
            one.a = a
            a = torch.mm(one.weight, a)
            if one.bias is not None:
                a.add_(one.bias.unsqueeze(1))
        else:
            a = one.at(a)
    return a


def first(chain: Plain) -> int:
    """Where the first linear layer stands: nothing is pulled through it."""
    return next(i for i, one in enumerate(chain) if isinstance(one, Affine))


def sizes(chain: Plain) -> list[int]:
    """How many entries every weight and bias has, in the order of theta."""
    return [part.numel() for one in chain if isinstance(one, Affine) for part in one.parts]


def outputs(chain: Plain) -> int:
    """How many outputs an example has."""
    return next(len(one.weight) for one in reversed(chain) if isinstance(one, Affine))
