"""A curvature over theta as a sum over examples: made chunk by chunk, added up, scaled as the loss."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from xcheck.layerwise._call import chunks, run
from xcheck.layerwise._errors import BadShape
from xcheck.layerwise._layer import Layer
from xcheck.layerwise._theta import Theta
from xcheck.layerwise.losses import Output, at_output, scale

Structure = Literal["full", "blocks", "diagonal"]
Blocks = dict[str, Tensor]


@dataclass(frozen=True)
class Batch:
    """A module with its data and its loss, and how many examples are worked on at a time."""

    module: nn.Module
    x: Tensor
    y: Tensor
    loss: nn.Module
    chunk_size: int | None = None

    def sum(self, piece: Callable[[Layer, Theta, Output], Tensor], out: Tensor | None = None) -> Tensor:
        """`factor sum_chunks piece(chunk)`, written into `out` if given."""
        total, factor = self._total(lambda root, theta, output: {"": piece(root, theta, output)})
        return torch.mul(total[""], factor, out=out)

    def sum_blocks(self, piece: Callable[[Layer, Theta, Output], Blocks]) -> Blocks:
        """The same of every block."""
        total, factor = self._total(piece)
        return {name: block * factor for name, block in total.items()}

    def _total(self, piece: Callable[[Layer, Theta, Output], Blocks]) -> tuple[Blocks, float | Tensor]:
        """One total is kept, however many chunks there are; and the factor of the loss."""
        if len(self.x) == 0:
            raise BadShape("layerwise: no examples came, expected x with at least one")
        factor, _ = scale(self.loss, self.y)
        total: Blocks = {}
        for part, target in chunks(self.chunk_size, self.x, self.y):
            root, theta = run(self.module, part)
            found = piece(root, theta, at_output(self.loss, root.y, target))
            # In place, unless a graph may still want the old value.
            add = Tensor.add if torch.is_grad_enabled() else Tensor.add_
            total = {name: add(total[name], found[name]) for name in total} or found
        return total, factor
