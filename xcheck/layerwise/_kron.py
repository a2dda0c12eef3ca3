"""All of the GGN or Hessian of a chain of linear and elementwise layers, by pairs of layers, examples innermost.

With `a_i` the input of linear layer i (1 appended for the bias), `g_j` the gradient at the output `z_j` of layer j and
`K_ij = d g_j / d z_i`, the block of layers i <= j is, summed over examples,
`K_ij[r, u] a_i[s] a_j[v] + g_j[u] (d a_j[v] / d z_i[r]) a_i[s]`: two matrix products over the examples, no Jacobian.
The GGN is the same without the second term and without the bend of the activations in `K`.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from xcheck.layerwise._chain import Chain
from xcheck.layerwise._layer import Layer
from xcheck.layerwise._theta import Theta
from xcheck.layerwise.layers.elementwise import Elementwise
from xcheck.layerwise.layers.linear import Linear
from xcheck.layerwise.losses import Output


def linear_chain(root: Layer, theta: Theta) -> list[Layer] | None:
    """The layers from input to output if all are linear on vectors or elementwise and none is shared, else None."""
    layers = list(_leaves(root))
    fits = all(isinstance(leaf, Elementwise) or (isinstance(leaf, Linear) and leaf.x.ndim == 2) for leaf in layers)
    return layers if fits and not theta.shared and any(leaf.weighted for leaf in layers) else None


def _leaves(layer: Layer) -> list[Layer]:
    return [leaf for part in layer.layers for leaf in _leaves(part)] if isinstance(layer, Chain) else [layer]


class _Later:
    """A linear layer j nearer to the output: `K_ij` and `d a_j / d z_i` at the node i that the walk has reached."""

    def __init__(self, layer: Linear, hessian: Tensor, inputs: Tensor, gradient: Tensor) -> None:
        self.layer, self.hessian, self.inputs, self.gradient = layer, hessian, inputs, gradient


def kron_gram(layers: list[Layer], theta: Theta, output: Output, *, curved: bool) -> Tensor:
    """`G` (curved=False) or `H` (curved=True) of `sum_n e_n`, (p, p)."""
    n = len(layers[0].x)
    left, right = output.root().pair(n)
    hessian = torch.einsum("kni,knj->ijn", left, right)
    gradient = output.gradient.t()
    later: list[_Later] = []
    result = gradient.new_zeros(theta.size, theta.size)
    first = next(layer for layer in layers if layer.weighted)
    for layer in reversed(layers):
        if isinstance(layer, Linear):
            own = _appended(layer)
            _write(result, layer, layer, _same(hessian, own))
            for j in later:
                block = _pair(hessian=j.hessian, own=own, other=_appended(j.layer))
                if curved:
                    block[..., : j.inputs.shape[1]] += _mixed(j, own)
                _write(result, layer, j.layer, block)
            if layer is first:
                break
            hessian, gradient = _pull(layer, hessian, gradient, later, curved=curved)
        elif isinstance(layer, Elementwise):
            hessian, gradient = _scale(layer, hessian, gradient, later, curved=curved)
    return result


def _pull(
    layer: Linear, hessian: Tensor, gradient: Tensor, later: list[_Later], *, curved: bool
) -> tuple[Tensor, Tensor]:
    """Through `z = W a + b`: `W^T K W` and `W^T g`; the layer joins those that lie nearer to the output."""
    back = layer.module.weight.t()
    for j in later:
        j.hessian, j.inputs = _left(back, j.hessian), _left(back, j.inputs) if curved else j.inputs
    half = _left(back, hessian)
    unit = torch.eye(back.shape[0], dtype=back.dtype, device=back.device)[..., None]
    later.append(_Later(layer, half, unit.expand(-1, -1, hessian.shape[-1]), gradient))
    return torch.matmul(back, half), back @ gradient


def _scale(
    layer: Elementwise, hessian: Tensor, gradient: Tensor, later: list[_Later], *, curved: bool
) -> tuple[Tensor, Tensor]:
    """Through `a = s(z)`: `diag(s') K diag(s') + diag(s'' g)` and `s' g`."""
    slope = layer.slope.t()
    for j in later:
        j.hessian, j.inputs = j.hessian * slope[:, None], j.inputs * slope[:, None] if curved else j.inputs
    hessian = hessian * slope[:, None] * slope
    if curved and not layer.linear:
        hessian.diagonal(dim1=0, dim2=1).add_((layer.bend.t() * gradient).t())
    return hessian, gradient * slope


def _left(back: Tensor, matrix: Tensor) -> Tensor:
    """`W^T` on the first axis of (o, m, n)."""
    return (back @ matrix.flatten(1)).unflatten(1, matrix.shape[1:])


def _appended(layer: Linear) -> Tensor:
    """`(a, 1)`, features first: (i + 1, n); without bias `a` alone."""
    inputs = layer.x.t()
    return inputs if layer.module.bias is None else torch.cat([inputs, inputs.new_ones(1, inputs.shape[1])])


def _outer(a: Tensor, b: Tensor) -> Tensor:
    return (a[:, None] * b).flatten(0, 1)


def _pair(hessian: Tensor, own: Tensor, other: Tensor) -> Tensor:
    """`sum_n K[r, u] a_i[s] a_j[v]`, as (r, s, u, v)."""
    product = hessian.flatten(0, 1) @ _outer(own, other).t()
    return product.view(*hessian.shape[:2], len(own), len(other)).permute(0, 2, 1, 3).contiguous()


def _mixed(j: _Later, own: Tensor) -> Tensor:
    """`sum_n g_j[u] (d a_j[v] / d z_i[r]) a_i[s]`, as (r, s, u, v)."""
    product = j.inputs.flatten(0, 1) @ _outer(own, j.gradient).t()
    return product.view(*j.inputs.shape[:2], len(own), len(j.gradient)).permute(0, 2, 3, 1)


@lru_cache(maxsize=64)
def _triangle(size: int, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Rows and columns of the upper triangle, and for every (r, u) where its entry, or its mirror's, lies therein."""
    rows, columns = torch.triu_indices(size, size, device=device)
    where = torch.zeros(size, size, dtype=torch.long, device=device)
    where[rows, columns] = where[columns, rows] = torch.arange(len(rows), device=device)
    return rows, columns, where.flatten()


def _same(hessian: Tensor, own: Tensor) -> Tensor:
    """`_pair` of a layer with itself: both factors are symmetric, so that triangles suffice."""
    r, u, whole = _triangle(hessian.shape[0], own.device)
    s, v, inner = _triangle(len(own), own.device)
    product = hessian[r, u] @ (own[s] * own[v]).t()
    return product[whole][:, inner].view(*hessian.shape[:2], len(own), len(own)).permute(0, 2, 1, 3)


def _write(result: Tensor, i: Linear, j: Linear, block: Tensor) -> None:
    """Cut (o_i, i_i + 1, o_j, i_j + 1) into weight and bias, and write it and its mirror image."""
    rows, columns = i.module.in_features, j.module.in_features
    for own, s in zip(i.where, (slice(0, rows), slice(rows, rows + 1)), strict=False):
        for other, v in zip(j.where, (slice(0, columns), slice(columns, columns + 1)), strict=False):
            part = block[:, s, :, v].flatten(2).flatten(0, 1)
            result[own, other] = part
            if i is not j:
                result[other, own] = part.t()
