"""The R-operator on a chain of linear and elementwise layers, one tangent: matrix products and nothing between them.

The general walk carries axes for many tangents and any shape; on narrow networks those views cost more than the
products. Everything here is features first, (f, n). Pearlmutter 1994; Schraudolph 2002 for the Gauss-Newton product.
"""

from __future__ import annotations

import torch
from torch import Tensor

from xcheck.layerwise._layer import Layer
from xcheck.layerwise._theta import Sums
from xcheck.layerwise.layers.elementwise import Elementwise
from xcheck.layerwise.layers.linear import Linear
from xcheck.layerwise.losses import Output


def push_tangent(layers: list[Layer], t: Tensor) -> tuple[list[Tensor | None], Tensor]:
    """Tangents of every layer's input, and of the output, for the tangent `t` (p,) of theta."""
    entering: list[Tensor | None] = []
    z: Tensor | None = None
    for layer in layers:
        entering.append(z)
        if isinstance(layer, Linear):
            v, *bias = layer.own(t)
            out = torch.addmm(bias[0].unsqueeze(1), v, layer.features) if bias else torch.mm(v, layer.features)
            z = out if z is None else out.addmm_(layer.module.weight, z)
        elif z is not None and isinstance(layer, Elementwise):
            z = z * layer.slope.t()
    assert z is not None
    return entering, z


def product(layers: list[Layer], output: Output, t: Tensor, sums: Sums, *, curved: bool) -> None:
    """`H t` (curved) or `G t` into `sums`, parameter by parameter."""
    entering, z = push_tangent(layers, t)
    dg = output.product(z.t()[None])[0].t()
    g = output.gradient.t()
    first = next(i for i, layer in enumerate(layers) if layer.weighted)
    for i in range(len(layers) - 1, first - 1, -1):
        layer, z = layers[i], entering[i]
        if isinstance(layer, Linear):
            weight = torch.mm(dg, layer.x)
            if curved and z is not None:
                weight.addmm_(g, z.t())
            sums.add(layer.where, (weight, dg.sum(1))[: len(layer.where)])
            if i == first:
                return
            back = layer.module.weight.t()
            dg = torch.mm(back, dg)
            if curved:
                dg.addmm_(layer.own(t)[0].t(), g)
                g = torch.mm(back, g)
        elif isinstance(layer, Elementwise):
            slope = layer.slope.t()
            dg = dg * slope
            if curved:
                if z is not None and not layer.linear:
                    dg.addcmul_(layer.bend.t().mul(g), z)
                g = g * slope
