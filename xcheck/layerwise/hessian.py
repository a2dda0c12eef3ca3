"""The Hessian of the loss over theta: diagonal and blocks by quadratic forms, all of it by layer pairs or columns."""

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from xcheck.layerwise._blocks import collect, cut
from xcheck.layerwise._call import exact
from xcheck.layerwise._chain_hessian import chain_hessian
from xcheck.layerwise._chunked import Batch, Structure
from xcheck.layerwise._fused.context import fusible
from xcheck.layerwise._kron import linear_chain
from xcheck.layerwise._layer import Layer, Pulled
from xcheck.layerwise._theta import Sums, Theta
from xcheck.layerwise.losses import Output


@exact
def hessian_diagonal(
    module: nn.Module,
    x: Float[Tensor, "n *d"],
    y: Shaped[Tensor, "n *c"],
    *,
    loss: nn.Module,
    chunk_size: int | None = None,
) -> Float[Tensor, " p"]:
    """`diag(d2 loss / d theta2)`, (p,), exact: the GGN diagonal, and the residual curvature of every layer pulled back.

    >>> model = nn.Linear(2, 1)
    >>> hessian_diagonal(model, torch.tensor([[3.0, 4.0]]), torch.zeros(1, 1), loss=nn.MSELoss())
    tensor([18., 32.,  2.])
    """
    kernels = fusible(module, x) if chunk_size is None else None
    if kernels is not None:
        return kernels.diagonal(x, y, loss, curved=True)
    return Batch(module, x, y, loss, chunk_size).sum(_diagonal)


def _diagonal(root: Layer, theta: Theta, output: Output) -> Tensor:
    if theta.shared:
        return _columns(root, theta, output).diagonal()
    sums = Sums(theta, root.y)

    def visit(layer: Layer, pulled: Pulled) -> None:
        sums.add(layer.where, layer.square_weight(pulled.forms))
        assert pulled.gradient is not None
        own = layer.residual_weight(pulled.gradient)
        if own is not None:
            sums.add(layer.where, layer.split(own.diagonal()))

    root.pull(Pulled([output.root()], output.gradient()), visit, need=False)
    return sums.flat()


@exact
def hessian(
    module: nn.Module,
    x: Float[Tensor, "n *d"],
    y: Shaped[Tensor, "n *c"],
    *,
    loss: nn.Module,
    structure: Structure = "full",
    chunk_size: int | None = None,
) -> Float[Tensor, "p p"] | Float[Tensor, " p"] | dict[str, Float[Tensor, "q q"]]:
    """`d2 loss / d theta2`: (p, p); `{layer: (q, q)}` for "blocks", in the order of theta; (p,) for "diagonal".

    >>> model = nn.Linear(1, 1)
    >>> hessian(model, torch.tensor([[3.0]]), torch.zeros(1, 1), loss=nn.MSELoss())
    tensor([[18.,  6.],
            [ 6.,  2.]])
    """
    batch = Batch(module, x, y, loss, chunk_size)
    if structure == "blocks":
        return batch.sum_blocks(_blocks)
    return batch.sum(_full if structure == "full" else _diagonal)


def _full(root: Layer, theta: Theta, output: Output) -> Tensor:
    chain = linear_chain(root, theta)
    return _columns(root, theta, output) if chain is None else chain_hessian(chain, theta, output)


def _columns(root: Layer, theta: Theta, output: Output) -> Tensor:
    """`H I`: one product with every unit vector of theta."""
    unit = torch.eye(theta.size, dtype=root.y.dtype, device=root.y.device)
    sums = Sums(theta, unit, (theta.size,))
    df = root.push(None, unit)
    if df is not None:
        root.turn(output.gradient(), output.product(df), unit, sums, need=False)
    return sums.flat()


def _blocks(root: Layer, theta: Theta, output: Output) -> dict[str, Tensor]:
    if theta.shared:
        return cut(_full(root, theta, output), theta)

    def block(layer: Layer, pulled: Pulled) -> Tensor:
        assert pulled.gradient is not None
        own = layer.residual_weight(pulled.gradient)
        return layer.block(pulled.forms) if own is None else layer.block(pulled.forms) + own

    return collect(root, theta, Pulled([output.root()], output.gradient()), block)
