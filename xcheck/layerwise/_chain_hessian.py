"""All of the Hessian of a chain of linear and elementwise layers, by pairs of layers.

With `g_j` the gradient at the output `z_j` of layer j and `K_ij = d g_j / d z_i`, the block of layers i <= j is, summed
over examples, `K_ij[r, u] a_i[s] a_j[v] + g_j[u] (d a_j[v] / d z_i[r]) a_i[s]`.
"""

from __future__ import annotations

import torch
from torch import Tensor

from xcheck.layerwise._kron import Assembly, appended, outer, pair_block, same_block, triangle
from xcheck.layerwise._layer import Layer
from xcheck.layerwise._theta import Theta
from xcheck.layerwise.layers.elementwise import Elementwise
from xcheck.layerwise.layers.linear import Linear
from xcheck.layerwise.losses import Output


class _Later:
    """A linear layer j nearer to the output: `K_ij` and `d a_j / d z_i` at the node i that the walk has reached."""

    def __init__(self, layer: Linear, hessian: Tensor, inputs: Tensor, gradient: Tensor) -> None:
        self.layer, self.hessian, self.inputs, self.gradient = layer, hessian, inputs, gradient


def chain_hessian(layers: list[Layer], theta: Theta, output: Output) -> Tensor:
    """`H` of `sum_n e_n`, (p, p)."""
    n = len(layers[0].x)
    left, right = output.root().pair(n)
    hessian = torch.einsum("kni,knj->ijn", left, right)
    gradient = output.gradient().t()
    later: list[_Later] = []
    result = Assembly(theta, layers, gradient)
    first = next(layer for layer in layers if layer.weighted)
    for layer in reversed(layers):
        if isinstance(layer, Linear):
            own = appended(layer)
            result.write(layer, layer, same_block(len(hessian), hessian[triangle(len(hessian), own.device)[:2]], own))
            for j in later:
                block = pair_block(j.hessian, own, appended(j.layer))
                block[..., : j.inputs.shape[1]] += _mixed(j, own)
                result.write(layer, j.layer, block)
            if layer is first:
                break
            hessian, gradient = _pull(layer, hessian, gradient, later)
        elif isinstance(layer, Elementwise):
            hessian, gradient = _scale(layer, hessian, gradient, later)
    return result.whole()


def _pull(layer: Linear, hessian: Tensor, gradient: Tensor, later: list[_Later]) -> tuple[Tensor, Tensor]:
    """Through `z = W a + b`: `W^T K W` and `W^T g`; the layer joins those that lie nearer to the output."""
    back = layer.module.weight.t()
    for j in later:
        j.hessian, j.inputs = left(back, j.hessian), left(back, j.inputs)
    half = left(back, hessian)
    unit = torch.eye(back.shape[0], dtype=back.dtype, device=back.device)[..., None]
    later.append(_Later(layer, half, unit.expand(-1, -1, hessian.shape[-1]), gradient))
    return torch.matmul(back, half), back @ gradient


def _scale(layer: Elementwise, hessian: Tensor, gradient: Tensor, later: list[_Later]) -> tuple[Tensor, Tensor]:
    """Through `a = s(z)`: `diag(s') K diag(s') + diag(s'' g)` and `s' g`."""
    slope = layer.slope.t()
    for j in later:
        j.hessian, j.inputs = j.hessian * slope[:, None], j.inputs * slope[:, None]
    hessian = hessian * slope[:, None] * slope
    if not layer.linear:
        hessian.diagonal(dim1=0, dim2=1).add_((layer.bend.t() * gradient).t())
    return hessian, gradient * slope


def _mixed(j: _Later, own: Tensor) -> Tensor:
    """`sum_n g_j[u] (d a_j[v] / d z_i[r]) a_i[s]`, as (r, s, u, v)."""
    product = j.inputs.flatten(0, 1) @ outer(own, j.gradient).t()
    return product.view(*j.inputs.shape[:2], len(own), len(j.gradient)).permute(0, 2, 3, 1)


def left(back: Tensor, matrix: Tensor) -> Tensor:
    """`W^T` on the first axis of (o, m, n)."""
    return (back @ matrix.flatten(1)).unflatten(1, matrix.shape[1:])
