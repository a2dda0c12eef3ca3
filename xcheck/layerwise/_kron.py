"""Blocks of layer pairs of a chain of linear and elementwise layers, examples innermost: what GGN and Hessian share.

With `a_i` the input of linear layer i (1 appended for the bias) and `K_ij` a matrix over the outputs `z_i`, `z_j` of
two layers, a block is `sum_n K_ij[r, u] a_i[s] a_j[v]`: one matrix product over the examples, and no Jacobian.
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


def linear_chain(root: Layer, theta: Theta) -> list[Layer] | None:
    """The layers from input to output if all are linear on vectors or elementwise and none is shared, else None."""
    layers = list(_leaves(root))
    fits = all(isinstance(leaf, Elementwise) or (isinstance(leaf, Linear) and leaf.x.ndim == 2) for leaf in layers)
    return layers if fits and not theta.shared and not theta.unmet and any(leaf.weighted for leaf in layers) else None


def _leaves(layer: Layer) -> list[Layer]:
    return [leaf for part in layer.layers for leaf in _leaves(part)] if type(layer) is Chain else [layer]


def appended(layer: Linear) -> Tensor:
    """`(a, 1)`, features first: (i + 1, n); without bias `a` alone."""
    inputs = layer.x.t()
    return inputs if layer.module.bias is None else torch.cat([inputs, inputs.new_ones(1, inputs.shape[1])])


def outer(a: Tensor, b: Tensor) -> Tensor:
    """`a[s] b[v]` of every example: (s v, n)."""
    return (a[:, None] * b).flatten(0, 1)


def pair_block(matrix: Tensor, own: Tensor, other: Tensor) -> Tensor:
    """`sum_n K[r, u] a_i[s] a_j[v]`, as (r, s, u, v)."""
    product = matrix.flatten(0, 1) @ outer(own, other).t()
    return product.view(*matrix.shape[:2], len(own), len(other)).permute(0, 2, 1, 3)


@lru_cache(maxsize=64)
def triangle(size: int, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Rows and columns of the upper triangle, and for every (r, u) where its entry, or its mirror's, lies therein."""
    rows, columns = torch.triu_indices(size, size, device=device)
    where = torch.zeros(size, size, dtype=torch.long, device=device)
    where[rows, columns] = where[columns, rows] = torch.arange(len(rows), device=device)
    return rows, columns, where.flatten()


def same_block(outputs: int, upper: Tensor, own: Tensor) -> Tensor:
    """`pair_block` of a layer with itself, from the upper triangle of `K`: both factors are symmetric, triangles do."""
    _, _, whole = triangle(outputs, own.device)
    s, v, inner = triangle(len(own), own.device)
    product = upper @ (own.index_select(0, s) * own.index_select(0, v)).t()
    return (
        product.index_select(0, whole)
        .index_select(1, inner)
        .view(outputs, outputs, len(own), len(own))
        .permute(0, 2, 1, 3)
    )


class Assembly:
    """A symmetric (p, p) matrix written block by block, each output's bias behind its weights until the end."""

    def __init__(self, theta: Theta, layers: list[Layer], like: Tensor) -> None:
        linear = [layer for layer in layers if isinstance(layer, Linear)]
        shapes = tuple((*layer.module.weight.shape, layer.module.bias is not None) for layer in linear)
        self._order = theta_order(shapes, like.device)
        self._matrix = like.new_empty(theta.size, theta.size)

    def write(self, i: Linear, j: Linear, block: Tensor) -> None:
        """The block (o_i, i_i + 1, o_j, i_j + 1) of two layers, and its mirror image."""
        rows, columns = (slice(layer.where[0].start, layer.where[0].start + layer.size) for layer in (i, j))
        place = self._matrix[rows, columns]
        place.unflatten(1, block.shape[2:]).unflatten(0, block.shape[:2]).copy_(block)
        if i is not j:
            self._matrix[columns, rows].copy_(place.t())

    def whole(self) -> Tensor:
        """The matrix in the order of theta."""
        return self._matrix.index_select(0, self._order).index_select(1, self._order)


@lru_cache(maxsize=64)
def theta_order(shapes: tuple[tuple[int, int, bool], ...], device: torch.device) -> Tensor:
    """Where theta's entries stand if every output's bias follows its weights; a layer is (outputs, inputs, bias)."""
    order, start = [], 0
    for outputs, inputs, bias in shapes:
        rows = torch.arange(start, start + outputs * (inputs + bias), device=device).view(outputs, inputs + bias)
        order += [rows[:, :inputs].flatten(), rows[:, inputs:].flatten()]
        start += rows.numel()
    return torch.cat(order)
