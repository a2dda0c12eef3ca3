"""Second order of a layer that gives only `jacobian`: its Jacobian is differentiated once more, by `torch.func`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, jvp

from xcheck.layerwise._forms import Columns

if TYPE_CHECKING:
    from xcheck.layerwise._forms import Form
    from xcheck.layerwise._layer import Layer, Weights


class _Cotangents(nn.Module):
    """`x -> (g J(x), sum_n g J_w(x))` as a module, so that its weights can be replaced by dual numbers."""

    def __init__(self, layer: Layer) -> None:
        super().__init__()
        self.inner, self._layer = layer.module, layer

    def forward(self, x: Tensor, g: Tensor) -> tuple[Tensor, ...]:
        layer = object.__new__(type(self._layer))
        layer.module, layer.x, layer.where, layer.tangent = self.inner, x, self._layer.where, None
        layer.y = layer.forward(x)
        each = tuple(part[0].sum(0) for part in layer.vjp_weight_each(g[None])) if layer.weights else ()
        return layer.vjp(g[None])[0], *each


def _cotangents(layer: Layer, g: Tensor) -> tuple[Any, dict[str, Tensor]]:
    call = _Cotangents(layer)
    weights = {f"inner.{name}": w.detach() for name, w in layer.module.named_parameters()}

    def cotangents(x: Tensor, own: dict[str, Tensor]) -> tuple[Tensor, ...]:
        return functional_call(call, own, (x, g))

    return cotangents, weights


def bend_of_jacobian(
    layer: Layer, g: Tensor, v: Tensor | None, w: Weights | None
) -> tuple[Tensor | None, Weights | None]:
    """`d/de (g J, sum_n g J_w)` at `(x + e v, w + e w')`, one column after another."""
    cotangents, weights = _cotangents(layer, g)
    count = len(v) if v is not None else len(w[0]) if w else 0
    if count == 0:
        return None, None
    columns = []
    for k in range(count):
        dx = torch.zeros_like(layer.x) if v is None else v[k]
        dw = {name: torch.zeros_like(own) if w is None else w[i][k] for i, (name, own) in enumerate(weights.items())}
        columns.append(jvp(cotangents, (layer.x, weights), (dx, dw))[1])
    to_input, *to_weights = (torch.stack(parts) for parts in zip(*columns, strict=True))
    return to_input, tuple(to_weights) if to_weights else None


def residual_of_jacobian(layer: Layer, g: Tensor) -> list[Form]:
    """`d(g J)/dx` per example, as unit columns against the rows of that matrix."""
    n, shape = layer.x.shape[0], layer.x.shape[1:]
    unit = torch.eye(shape.numel(), dtype=layer.x.dtype, device=layer.x.device).view(-1, 1, *shape)
    left = unit.expand(-1, n, *shape)
    right, _ = layer.second(g, left, None)
    return [] if right is None else [Columns(left, right)]


def residual_weight_of_jacobian(layer: Layer, g: Tensor) -> Tensor | None:
    """`d(sum_n g J_w)/dw`, one column a weight."""
    if not layer.weights:
        return None
    unit = torch.eye(layer.size, dtype=layer.x.dtype, device=layer.x.device)
    _, parts = layer.second(g, None, layer.split(unit))
    return None if parts is None else torch.cat([part.flatten(1) for part in parts], dim=1)
