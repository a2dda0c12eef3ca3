"""Kronecker factors of the Fisher or GGN, for linear and convolutional layers."""

from typing import Literal

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from xcheck.layerwise._call import exact, run
from xcheck.layerwise._errors import Unsupported
from xcheck.layerwise._forms import Columns
from xcheck.layerwise._layer import Layer, Pulled
from xcheck.layerwise.layers.conv import Conv
from xcheck.layerwise.layers.linear import Linear
from xcheck.layerwise.losses import at_output, scale

Factors = tuple[Float[Tensor, "i i"], Float[Tensor, "o o"]]


@exact
def kfac(
    module: nn.Module,
    x: Float[Tensor, "n *d"],
    y: Shaped[Tensor, "n *c"],
    *,
    loss: nn.Module,
    fisher: Literal["empirical", "exact"] = "empirical",
    sharing: Literal["expand", "reduce"] = "expand",
) -> dict[str, Factors]:
    """`{layer: (A, B)}`: `A` = mean of `a a^T`, 1 appended for the bias, `B` = `r sum g g^T` of the output gradients.

    "empirical" takes the gradients of `l_n`; "exact" those of the root of its Hessian (KFLR), so that `B (x) A` is the
    GGN block of a layer with one example. A layer used at T positions: "expand" takes means and sums over all n T of
    them; "reduce" takes the mean input and the sum of the gradients first. Other layers have no entry. Martens and
    Grosse 2015; Botev, Ritter and Barber 2017 (KFLR); Eschenhagen et al. 2023 (expand, reduce).

    >>> model, x = nn.Linear(1, 1), torch.tensor([[3.0]])
    >>> weight, bias = (nn.init.constant_(p, 0.5) for p in model.parameters())  # f(3) = 2
    >>> kfac(model, x, torch.ones(1, 1), loss=nn.MSELoss())[""]
    (tensor([[9., 3.],
            [3., 1.]]), tensor([[4.]]))
    """
    factor, r = scale(loss, y)
    root, theta = run(module, x)
    if theta.shared:
        raise Unsupported(
            "layerwise: kfac has no factors for a weight shared between layers; use ggn(structure='blocks')"
        )
    output = at_output(loss, root.y, y)
    names = {place.start: name for name, place in theta.blocks.items()}
    factors: dict[str, Factors] = {}

    def visit(layer: Layer, pulled: Pulled) -> None:
        if isinstance(layer, Linear | Conv):
            g, _ = pulled.forms[0].pair(len(x))
            factors[names[layer.where[0].start]] = _inputs(layer, sharing), _outputs(layer, g, sharing)

    start = output.root() if fisher == "exact" else Columns(output.gradient()[None])
    root.pull(Pulled([start], None), visit, need=False)
    size = factor if fisher == "exact" else factor * factor / r
    return {name: (factors[name][0], factors[name][1] * size) for name in theta.blocks if name in factors}


def _inputs(layer: Linear | Conv, sharing: str) -> Tensor:
    """`mean a a^T` over examples and positions."""
    rows = _tokens(layer.x) if isinstance(layer, Linear) else _windows(layer)
    if layer.module.bias is not None:
        rows = torch.cat([rows, rows.new_ones(*rows.shape[:2], 1)], dim=2)
    rows = rows.mean(1) if sharing == "reduce" else rows.flatten(0, 1)
    return rows.t() @ rows / len(rows)


def _tokens(x: Tensor) -> Tensor:
    """(n, T, i)."""
    return x.reshape(len(x), -1, x.shape[-1])


def _windows(layer: Conv) -> Tensor:
    if layer.transposed or layer.module.groups > 1:
        raise Unsupported(
            f"layerwise: kfac has no factors for {layer.module}: transposed and grouped ones are not covered"
        )
    return layer.windows()[:, 0].transpose(1, 2)


def _outputs(layer: Linear | Conv, g: Tensor, sharing: str) -> Tensor:
    """`sum g g^T` over columns, examples and positions."""
    rows = g.flatten(3).transpose(2, 3) if isinstance(layer, Conv) else g.reshape(*g.shape[:2], -1, g.shape[-1])
    rows = (rows.sum(2) if sharing == "reduce" else rows).flatten(0, -2)
    return rows.t() @ rows
