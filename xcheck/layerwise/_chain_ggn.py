"""All of the GGN of a chain of linear and elementwise layers, by pairs of layers.

The root `C` of the output Hessian is pulled back to `G_i = (d z_L / d z_i)^T C`, (o_i, h, n): `K_ij = sum_h G_i G_j`.
Pulling `K` itself would cost no more, but would cancel where `W^T` does, once for each side.
"""

from __future__ import annotations

import torch
from torch import Tensor

from xcheck.layerwise._kron import Assembly, appended, pair_block, same_block, triangle
from xcheck.layerwise._layer import Layer
from xcheck.layerwise._theta import Theta
from xcheck.layerwise.layers.elementwise import Elementwise
from xcheck.layerwise.layers.linear import Linear
from xcheck.layerwise.losses import Output


def chain_ggn(layers: list[Layer], theta: Theta, output: Output) -> Tensor:
    """`G` of `sum_n e_n`, (p, p)."""
    columns = output.root().pair(len(layers[0].x))[0].permute(2, 0, 1)
    later: list[tuple[Linear, Tensor]] = []
    result = Assembly(theta, layers, columns)
    first = next(layer for layer in layers if layer.weighted)
    for layer in reversed(layers):
        if isinstance(layer, Linear):
            own = appended(layer)
            r, u, _ = triangle(len(columns), own.device)
            result.write(
                layer,
                layer,
                same_block(len(columns), _products(columns.index_select(0, r), columns.index_select(0, u)), own),
            )
            for other, theirs in later:
                matrix = _products(columns[:, None], theirs)
                result.write(layer, other, pair_block(matrix, own, appended(other)))
            if layer is first:
                break
            later.append((layer, columns))
            columns = torch.mm(layer.module.weight.t(), columns.flatten(1)).unflatten(1, columns.shape[1:])
        elif isinstance(layer, Elementwise):
            columns = columns * layer.slope.t()[:, None]
    return result.whole()


def _products(a: Tensor, b: Tensor) -> Tensor:
    """`sum_h a_h b_h`, with h the last axis but one."""
    total = a[..., 0, :] * b[..., 0, :]
    for h in range(1, a.shape[-2]):
        total.addcmul_(a[..., h, :], b[..., h, :])
    return total
