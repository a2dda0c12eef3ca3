"""The generalised Gauss-Newton matrix `G = J^T H_l J` of the loss: its diagonal, blocks, and all of it.

Schraudolph 2002. A root `H_l = C C^T` is pulled back instead of unit columns: a linear layer then owes its share of the
diagonal to `sum_k (C^T J)^2` and `x^2`, one small matrix product, and no Jacobian is ever formed.
"""

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from xcheck.layerwise._blocks import collect, cut
from xcheck.layerwise._call import exact
from xcheck.layerwise._chain_ggn import chain_ggn
from xcheck.layerwise._chunked import Batch, Structure
from xcheck.layerwise._forms import Form
from xcheck.layerwise._fused.context import fusible, fusible_chain
from xcheck.layerwise._kron import linear_chain
from xcheck.layerwise._layer import Layer, Pulled
from xcheck.layerwise._plain import Plain, forward, narrow, outputs
from xcheck.layerwise._plain_root import columns, jacobian, squares
from xcheck.layerwise._theta import Sums, Theta
from xcheck.layerwise.gradients import rows
from xcheck.layerwise.losses import Output, at_output, scale

# Up to so many outputs one product of the whole root Jacobian with itself beats many small ones by layer pairs.
FEW = 2


@exact
def ggn_diagonal(
    module: nn.Module,
    x: Float[Tensor, "n *d"],
    y: Shaped[Tensor, "n *c"],
    *,
    loss: nn.Module,
    out: Float[Tensor, " p"] | None = None,
    chunk_size: int | None = None,
) -> Float[Tensor, " p"]:
    """`diag(J^T H_l J)`, (p,), exact.

    >>> model = nn.Linear(2, 1)
    >>> ggn_diagonal(model, torch.tensor([[3.0, 4.0]]), torch.zeros(1, 1), loss=nn.MSELoss())
    tensor([18., 32.,  2.])
    """
    kernels = fusible(module, x) if chunk_size is None else None
    if kernels is not None:
        found = kernels.diagonal(x, y, loss, curved=False)
        return found if out is None else out.copy_(found)
    chain = narrow(module, x) if chunk_size is None else None
    if chain is None:
        return Batch(module, x, y, loss, chunk_size).sum(_diagonal, out)
    return torch.mul(squares(chain, *_start(chain, x, y, loss)), scale(loss, y)[0], out=out)


def _start(chain: Plain, x: Tensor, y: Tensor, loss: nn.Module) -> tuple[Tensor, int]:
    """Run a plain chain: the columns of the root at its outputs, (c, k, n), and n."""
    return columns(at_output(loss, forward(chain, x).t(), y).root(), len(x)), len(x)


def _diagonal(root: Layer, theta: Theta, output: Output) -> Tensor:
    root_of_hessian = output.root()
    if theta.shared:
        return _rows(root, theta, root_of_hessian).square().sum(0)
    sums = Sums(theta, root.y)
    root.pull(
        Pulled([root_of_hessian], None),
        lambda layer, pulled: sums.add(layer.where, layer.square_weight(pulled.forms)),
        need=False,
    )
    return sums.flat()


@exact
def ggn(
    module: nn.Module,
    x: Float[Tensor, "n *d"],
    y: Shaped[Tensor, "n *c"],
    *,
    loss: nn.Module,
    structure: Structure = "full",
    chunk_size: int | None = None,
) -> Float[Tensor, "p p"] | Float[Tensor, " p"] | dict[str, Float[Tensor, "q q"]]:
    """`J^T H_l J`: (p, p); `{layer: (q, q)}` for "blocks", in the order of theta; (p,) for "diagonal".

    >>> model = nn.Linear(1, 1)
    >>> ggn(model, torch.tensor([[3.0]]), torch.zeros(1, 1), loss=nn.MSELoss())
    tensor([[18.,  6.],
            [ 6.,  2.]])
    """
    chain = narrow(module, x) if structure == "full" and chunk_size is None else None
    if chain is not None and outputs(chain) <= FEW:
        kernels = fusible_chain(chain, x)
        if kernels is not None:
            return kernels.ggn(x, y, loss)
        rows = jacobian(chain, *_start(chain, x, y, loss)).flatten(1)
        return torch.mm(rows, rows.t()).mul_(scale(loss, y)[0])
    batch = Batch(module, x, y, loss, chunk_size)
    if structure == "blocks":
        return batch.sum_blocks(_blocks)
    return batch.sum(_full if structure == "full" else _diagonal)


def _full(root: Layer, theta: Theta, output: Output) -> Tensor:
    chain = linear_chain(root, theta)
    if chain is not None:
        return chain_ggn(chain, theta, output)
    each = _rows(root, theta, output.root())
    return each.t() @ each


def _rows(root: Layer, theta: Theta, form: Form) -> Tensor:
    """`C^T J` of every column and example, (k n, p)."""
    left, _ = form.pair(len(root.x))
    return rows(root, theta, form, root.y.new_empty(*left.shape[:2], theta.size)).flatten(0, 1)


def _blocks(root: Layer, theta: Theta, output: Output) -> dict[str, Tensor]:
    if theta.shared:
        return cut(_full(root, theta, output), theta)
    return collect(root, theta, Pulled([output.root()], None), lambda layer, pulled: layer.block(pulled.forms))
