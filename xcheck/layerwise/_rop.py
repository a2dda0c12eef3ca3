"""The R-operator on a chain of linear and elementwise layers, one tangent: matrix products and little between them.

The general walk carries axes for many tangents and any shape; on narrow networks those views cost more than the
products. Everything here is features first, (f, n), and every product is written where it belongs. Pearlmutter 1994;
Schraudolph 2002 for the Gauss-Newton product.
"""

from __future__ import annotations

import torch
from torch import Tensor

from xcheck.layerwise._layer import Layer
from xcheck.layerwise.layers.elementwise import Elementwise
from xcheck.layerwise.layers.linear import Linear
from xcheck.layerwise.losses import Output

Parts = dict[int, tuple[Tensor, ...]]  # weight and bias of every linear layer


def parts(layers: list[Layer], theta: Tensor) -> Parts:
    """Every linear layer's weight and bias, as views of a flat tensor (p,)."""
    linear = [layer for layer in layers if isinstance(layer, Linear)]
    cuts = iter(theta.split([w.numel() for layer in linear for w in layer.weights]))
    return {id(layer): tuple(next(cuts).view(w.shape) for w in layer.weights) for layer in linear}


def push_tangent(layers: list[Layer], t: Parts) -> tuple[list[Tensor | None], Tensor]:
    """Tangents of every layer's input, and of the output."""
    entering: list[Tensor | None] = []
    z: Tensor | None = None
    for layer in layers:
        entering.append(z)
        if isinstance(layer, Linear):
            v, *bias = t[id(layer)]
            out = torch.addmm(bias[0].unsqueeze(1), v, layer.features) if bias else torch.mm(v, layer.features)
            z = out if z is None else out.addmm_(layer.module.weight, z)
        elif z is not None and isinstance(layer, Elementwise):
            z = z * layer.slope.t()
    assert z is not None
    return entering, z


def product(layers: list[Layer], output: Output, t: Tensor, factor: float | Tensor, *, curved: bool) -> Tensor:
    """`H t` (curved) or `G t`, (p,), of `factor sum_n e_n`."""
    result = torch.empty_like(t)
    tangent, found = parts(layers, t), parts(layers, result)
    entering, z = push_tangent(layers, tangent)
    dg = output.product(z.t()).t() * factor
    g = output.gradient().t() * factor if curved else None
    first = next(i for i, layer in enumerate(layers) if layer.weighted)
    for i in range(len(layers) - 1, first - 1, -1):
        layer, z = layers[i], entering[i]
        if isinstance(layer, Linear):
            weight, *bias = found[id(layer)]
            torch.mm(dg, layer.x, out=weight)
            if g is not None and z is not None:
                weight.addmm_(g, z.t())
            if bias:
                torch.sum(dg, 1, out=bias[0])
            if i == first:
                break
            back = layer.module.weight.t()
            dg = torch.mm(back, dg)
            if g is not None:
                dg.addmm_(tangent[id(layer)][0].t(), g)
                g = torch.mm(back, g)
        elif isinstance(layer, Elementwise):
            dg = dg * layer.slope.t()
            if g is not None:
                if z is not None and not layer.linear:
                    dg.addcmul_(layer.bend.t() * g, z)
                g = g * layer.slope.t()
    return result
