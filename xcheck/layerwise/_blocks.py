"""Block-diagonal results: one (q, q) matrix for each module that owns weights, in the order of theta."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from xcheck.layerwise._layer import Layer, Pulled
from xcheck.layerwise._theta import Theta


def cut(full: Tensor, theta: Theta) -> dict[str, Tensor]:
    """The blocks of a full (p, p) matrix: where weights are shared, a block has contributions of several layers."""
    return {name: full[place, place].clone() for name, place in theta.blocks.items()}


def collect(root: Layer, theta: Theta, pulled: Pulled, block: Callable[[Layer, Pulled], Tensor]) -> dict[str, Tensor]:
    """Pull back, keeping `block(layer, pulled)` of every layer with weights; modules that were never run have zeros."""
    found: dict[str, Tensor] = {}

    def visit(layer: Layer, at_layer: Pulled) -> None:
        matrix, start = block(layer, at_layer), layer.where[0].start
        for name, place in theta.blocks.items():
            if start <= place.start < start + layer.size:
                inner = slice(place.start - start, place.stop - start)
                found[name] = matrix[inner, inner]

    root.pull(pulled, visit, need=False)
    zero = root.y.new_zeros
    return {name: found.get(name, zero(2 * (place.stop - place.start,))) for name, place in theta.blocks.items()}
