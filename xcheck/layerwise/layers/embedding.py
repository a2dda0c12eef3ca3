"""`torch.nn.Embedding`: rows of the weight picked by tokens; a token that comes twice gets both shares."""

from __future__ import annotations

from torch import Tensor, nn

from xcheck.layerwise._errors import Unsupported
from xcheck.layerwise._layer import Weights
from xcheck.layerwise._registry import register
from xcheck.layerwise.layers.linear_map import Flat


@register(nn.Embedding)
class Embedding(Flat):
    """`y = W[x]`, linear in W; tokens have no tangents."""

    module: nn.Embedding

    def forward(self, x: Tensor) -> Tensor:
        """`W[x]`."""
        odd = [name for name in ("max_norm", "scale_grad_by_freq", "padding_idx") if getattr(self.module, name)]
        if self.module.padding_idx is not None and "padding_idx" not in odd:
            odd.append("padding_idx")
        if odd:
            raise Unsupported(
                f"layerwise: Embedding with {', '.join(odd)} has gradients that are not its derivative; "
                "build it without"
            )
        return self.module.weight[x]

    def _no_tangents(self) -> Unsupported:
        return Unsupported(
            "layerwise: the input of Embedding is tokens, which have no derivative; ask with wrt='weight'"
        )

    def jvp(self, v: Tensor) -> Tensor:
        """Refused."""
        raise self._no_tangents()

    def vjp(self, g: Tensor) -> Tensor:
        """Refused."""
        raise self._no_tangents()

    def jvp_weight(self, w: Weights) -> Tensor:
        """`V[x]`."""
        tangents = w[0]
        if tangents.ndim == 3:
            return tangents[:, self.x]
        tokens = self.x.flatten(1)[None, ..., None].expand(len(tangents), -1, -1, tangents.shape[-1])
        return tangents.gather(2, tokens).unflatten(2, self.x.shape[1:])

    def vjp_weight(self, g: Tensor) -> Weights:
        """Cotangents added up in the rows of their tokens."""
        rows = g.flatten(1, -2)
        empty = g.new_zeros(len(g), *self.module.weight.shape)
        return (empty.index_add(1, self.x.flatten(), rows),)

    def vjp_weight_each(self, g: Tensor) -> Weights:
        """The same for every example."""
        rows = g.reshape(*g.shape[:2], -1, g.shape[-1])
        tokens = self.x.reshape(len(self.x), -1)[None, ..., None].expand_as(rows)
        return (g.new_zeros(*g.shape[:2], *self.module.weight.shape).scatter_add(2, tokens, rows),)
