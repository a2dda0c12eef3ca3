"""Second order where a layer gives no rule: its cotangents are differentiated once more, by reverse-mode autograd.

`(g J, sum_n g J_w)` is the gradient of `sum_n g_n . y_n`, so that its own Jacobian is symmetric: the derivative along a
tangent is a vector-Jacobian product. `torch.func` is avoided on purpose: in torch 2.13 its second derivatives of
LayerNorm are wrong, without a warning.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.func import functional_call

from xcheck.layerwise._forms import Columns, Unit, unit_vectors

if TYPE_CHECKING:
    from xcheck.layerwise._forms import Form
    from xcheck.layerwise._layer import Layer, Weights

Cotangents = Callable[[Tensor, "Weights"], "tuple[Tensor, ...]"]


class _ByRule(nn.Module):
    """`(g J, sum_n g J_w)` of a layer's own products, as a module whose weights can be replaced."""

    def __init__(self, layer: Layer, g: Tensor) -> None:
        super().__init__()
        self.inner, self._layer, self._g = layer.module, layer, g

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        layer = object.__new__(type(self._layer))
        layer.module, layer.x, layer.where, layer.tangent = self.inner, x, self._layer.where, None
        layer.y = layer.forward(x)
        each = layer.vjp_weight_each(self._g[None]) if layer.weights else ()
        return layer.vjp(self._g[None])[0], *(part[0].sum(0) for part in each)


def bend_of_jacobian(
    layer: Layer, g: Tensor, v: Tensor | None, w: Weights | None
) -> tuple[Tensor | None, Weights | None]:
    """`d/de (g J, sum_n g J_w)` at `(x + e v, w + e w')` for a layer that has first-order products."""
    call, names = _ByRule(layer, g), [f"inner.{name}" for name, _ in layer.module.named_parameters()]

    def cotangents(x: Tensor, weights: Weights) -> tuple[Tensor, ...]:
        return functional_call(call, dict(zip(names, weights, strict=True)), (x,))

    return bend(cotangents, layer.x, layer.weights, v, w)


def bend(
    cotangents: Cotangents, x: Tensor, weights: Weights, v: Tensor | None, w: Weights | None
) -> tuple[Tensor | None, Weights | None]:
    """The derivative of `cotangents(x, weights)` along `(v, w)`, one column after another."""
    recorded = torch.is_grad_enabled()
    count = len(v) if v is not None else len(w[0]) if w else 0
    if count == 0:
        return None, None
    with torch.enable_grad():
        places = [t if recorded and t.requires_grad else t.detach().requires_grad_() for t in (x, *weights)]
        found = cotangents(places[0], tuple(places[1:]))
        columns = []
        for k in range(count):
            seeds = [torch.zeros_like(x) if v is None else v[k]]
            seeds += [torch.zeros_like(own) if w is None else w[i][k] for i, own in enumerate(weights)]
            live = [(out, seed) for out, seed in zip(found, seeds, strict=True) if out.requires_grad]
            if not live:
                columns.append([torch.zeros_like(place) for place in places])
                continue
            outs, cots = zip(*live, strict=True)
            columns.append(
                torch.autograd.grad(
                    outs, places, cots, retain_graph=True, create_graph=recorded, allow_unused=True,
                    materialize_grads=True,
                )
            )  # fmt: skip
    to_input, *to_weights = (torch.stack(list(parts)) for parts in zip(*columns, strict=True))
    return to_input, tuple(to_weights) if to_weights else None


def residual_of_jacobian(layer: Layer, g: Tensor) -> list[Form]:
    """`d(g J)/dx` per example, as unit columns against the rows of that matrix."""
    left, _ = Unit(layer.x).pair(len(layer.x))
    right, _ = layer.second(g, left, None)
    return [] if right is None else [Columns(left, right)]


def residual_weight_of_jacobian(layer: Layer, g: Tensor) -> Tensor | None:
    """`d(sum_n g J_w)/dw`, one column a weight."""
    if not layer.weights:
        return None
    _, parts = layer.second(g, None, layer.split(unit_vectors(layer.size, layer.y.dtype, layer.y.device)))
    return None if parts is None else torch.cat([part.flatten(1) for part in parts], dim=1)
