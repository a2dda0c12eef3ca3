"""Gradients: of the loss, of each example's share of it, and the empirical Fisher that they make."""

from typing import Literal

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from xcheck.layerwise._call import exact, run
from xcheck.layerwise._forms import Columns, Form
from xcheck.layerwise._layer import Layer, Pulled
from xcheck.layerwise._theta import Sums, Theta
from xcheck.layerwise.losses import at_output, scale


@exact
def gradient(
    module: nn.Module, x: Float[Tensor, "n *d"], y: Shaped[Tensor, "n *c"], *, loss: nn.Module
) -> Float[Tensor, " p"]:
    """`d loss / d theta`, (p,).

    >>> gradient(nn.Linear(1, 1, bias=False), torch.ones(1, 1), torch.ones(1, 1), loss=nn.MSELoss()).shape
    torch.Size([1])
    """
    factor, _ = scale(loss, y)
    root, theta = run(module, x)
    columns = Columns(at_output(loss, root.y, y).gradient()[None])
    return pulled_to_theta(root, theta, columns)[0] * factor


def pulled_to_theta(root: Layer, theta: Theta, columns: Columns) -> Tensor:
    """`sum_n g_n J_theta` of every column g (k, n, *c): (k, p)."""
    sums = Sums(theta, root.y, (len(columns.left),))

    def visit(layer: Layer, pulled: Pulled) -> None:
        sums.add(layer.where, layer.vjp_weight(pulled.forms[0].pair(len(root.x))[0]))

    root.pull(Pulled([columns], None), visit, need=False)
    return sums.flat()


def rows(root: Layer, theta: Theta, columns: Form, out: Tensor) -> Tensor:
    """`g J_theta` of every column and example, (k, n, p): written once into `out`, unless a graph is kept."""
    gathered = theta.shared or theta.unmet or torch.is_grad_enabled()
    sums = Sums(theta, root.y, tuple(out.shape[:2]))

    def visit(layer: Layer, pulled: Pulled) -> None:
        g, _ = pulled.forms[0].pair(len(root.x))
        if gathered:
            sums.add(layer.where, layer.vjp_weight_each(g))
        else:
            layer.write_each(g, layer.own(out))

    root.pull(Pulled([columns], None), visit, need=False)
    if torch.is_grad_enabled():
        return sums.flat()
    return out.copy_(sums.flat()) if gathered else out


@exact
def per_example_gradients(
    module: nn.Module, x: Float[Tensor, "n *d"], y: Shaped[Tensor, "n *c"], *, loss: nn.Module
) -> Float[Tensor, "n p"]:
    """`r grad l_n` for every example, (n, p): they sum to `gradient`.

    >>> model = nn.Linear(2, 1, bias=False)
    >>> x, y = torch.eye(2), torch.zeros(2, 1)
    >>> each = per_example_gradients(model, x, y, loss=nn.MSELoss(reduction="sum"))
    >>> bool((each == torch.diag(2 * model.weight[0])).all())
    True
    """
    factor, _ = scale(loss, y)
    root, theta = run(module, x)
    residual = at_output(loss, root.y, y).gradient()
    return rows(root, theta, Columns((residual * factor)[None]), root.y.new_empty(1, len(x), theta.size))[0]


@exact
def empirical_fisher(
    module: nn.Module,
    x: Float[Tensor, "n *d"],
    y: Shaped[Tensor, "n *c"],
    *,
    loss: nn.Module,
    structure: Literal["full", "diagonal"] = "full",
) -> Float[Tensor, "p p"] | Float[Tensor, " p"]:
    """`r sum_n grad l_n grad l_n^T`, (p, p), or its diagonal (p,).

    Kunstner, Balles and Hennig 2019, Limitations of the Empirical Fisher Approximation, equation 3, scaled as the loss.

    >>> x, y = torch.ones(5, 2), torch.ones(5, 1)
    >>> empirical_fisher(nn.Linear(2, 1), x, y, loss=nn.MSELoss(), structure="diagonal").shape
    torch.Size([3])
    """
    _, r = scale(loss, y)
    each = per_example_gradients(module, x, y, loss=loss)
    if structure == "diagonal":
        return each.square().sum(0) / r
    return (each.t() @ each) / r
