"""Products of curvature with vectors: one forward and one backward pass of tangents, no matrix anywhere."""

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from xcheck.layerwise._call import exact, run, tangents
from xcheck.layerwise._forms import Columns
from xcheck.layerwise._kron import linear_chain
from xcheck.layerwise._layer import Layer, Pulled
from xcheck.layerwise._rop import product
from xcheck.layerwise._theta import Sums
from xcheck.layerwise.losses import at_output, scale


@exact
def hvp(
    module: nn.Module,
    x: Float[Tensor, "n *d"],
    y: Shaped[Tensor, "n *c"],
    v: Float[Tensor, " p *k"],
    *,
    loss: nn.Module,
) -> Float[Tensor, " p *k"]:
    """`H v` with `H = d2 loss / d theta2`, for one vector (p,) or the columns of (p, k).

    Pearlmutter 1994, Fast Exact Multiplication by the Hessian: tangents run forward, then gradient and tangents back.

    >>> model = nn.Linear(1, 1, bias=False)
    >>> hvp(model, torch.full((1, 1), 3.0), torch.zeros(1, 1), torch.ones(1), loss=nn.MSELoss())
    tensor([18.])
    """
    factor, _ = scale(loss, y)
    root, theta = run(module, x)
    chain = linear_chain(root, theta) if v.ndim == 1 and not torch.is_grad_enabled() else None
    t, single = tangents(v, theta)
    output = at_output(loss, root.y, y)
    if chain is not None:
        return product(chain, output, v, factor, curved=True)
    sums = Sums(theta, root.y, (len(t),))
    df = root.push(None, t)
    if df is None:  # no weights at all
        return torch.zeros_like(v)
    root.turn(output.gradient(), output.product(df), t, sums, need=False)
    return _flat(sums.flat(), factor, single)


@exact
def ggnvp(
    module: nn.Module,
    x: Float[Tensor, "n *d"],
    y: Shaped[Tensor, "n *c"],
    v: Float[Tensor, " p *k"],
    *,
    loss: nn.Module,
) -> Float[Tensor, " p *k"]:
    """`G v = J^T H_l J v` with the Hessian `H_l` of the loss at the outputs, for (p,) or the columns of (p, k).

    Schraudolph 2002, Fast Curvature Matrix-Vector Products for Second-Order Gradient Descent.

    >>> model = nn.Linear(1, 1, bias=False)
    >>> ggnvp(model, torch.full((1, 1), 3.0), torch.zeros(1, 1), torch.ones(1), loss=nn.MSELoss())
    tensor([18.])
    """
    factor, _ = scale(loss, y)
    root, theta = run(module, x)
    chain = linear_chain(root, theta) if v.ndim == 1 and not torch.is_grad_enabled() else None
    t, single = tangents(v, theta)
    if chain is not None:
        return product(chain, at_output(loss, root.y, y), v, factor, curved=False)
    sums = Sums(theta, root.y, (len(t),))
    df = root.push(None, t)
    if df is None:
        return torch.zeros_like(v)

    def visit(layer: Layer, pulled: Pulled) -> None:
        sums.add(layer.where, layer.vjp_weight(pulled.forms[0].pair(len(x))[0]))

    root.pull(Pulled([Columns(at_output(loss, root.y, y).product(df))], None), visit, need=False)
    return _flat(sums.flat(), factor, single)


def _flat(columns: Tensor, factor: float | Tensor, single: bool) -> Tensor:
    scaled = columns * factor
    return scaled[0] if single else scaled.t()
