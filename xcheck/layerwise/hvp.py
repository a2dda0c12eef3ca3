"""Products of curvature with vectors: one forward and one backward pass of tangents, no matrix anywhere."""

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from xcheck.layerwise._call import exact, run, tangent, tangents
from xcheck.layerwise._forms import Columns
from xcheck.layerwise._fused.context import fusible_product
from xcheck.layerwise._plain import plain, sizes
from xcheck.layerwise._plain_product import product
from xcheck.layerwise._theta import Sums
from xcheck.layerwise.gradients import pulled_to_theta
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
    return _product(module, x, y, v, loss, curved=True)


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
    return _product(module, x, y, v, loss, curved=False)


def _product(module: nn.Module, x: Tensor, y: Tensor, v: Tensor, loss: nn.Module, *, curved: bool) -> Tensor:
    """`H v` (curved) or `G v`: they differ only in whether the layers' own curvature turns what is pulled back."""
    factor, _ = scale(loss, y)
    chain = plain(module, x) if v.ndim == 1 else None
    if chain is not None:
        kernels = fusible_product(chain, x)
        if kernels is not None:
            return kernels.product(x, y, tangent(v, kernels.size), loss, factor, curved=curved)
        return product(chain, x, y, tangent(v, sum(sizes(chain))), loss, factor, curved=curved)
    root, theta = run(module, x)
    t, single = tangents(v, theta.size)
    output = at_output(loss, root.y, y)
    df = root.push(None, t)
    if df is None:  # no weights at all
        return torch.zeros_like(v)
    if curved:
        sums = Sums(theta, root.y, (len(t),))
        root.turn(output.gradient(), output.product(df), t, sums, need=False)
        columns = sums.flat()
    else:
        columns = pulled_to_theta(root, theta, Columns(output.product(df)))
    scaled = columns * factor
    return scaled[0] if single else scaled.t()
