"""The GGN diagonal by propagating a diagonal: an approximation that costs no more than one gradient."""

from jaxtyping import Float, Shaped
from torch import Tensor, nn

from xcheck.layerwise._call import exact, run
from xcheck.layerwise._layer import Layer, Pulled
from xcheck.layerwise._theta import Sums, Theta
from xcheck.layerwise.losses import at_output, scale


@exact
def ggn_diagonal_backprop(
    module: nn.Module, x: Float[Tensor, "n *d"], y: Shaped[Tensor, "n *c"], *, loss: nn.Module
) -> Float[Tensor, " p"]:
    """`diag(J_w^T diag(m) J_w)` summed, where `m <- diag(J^T diag(m) J)` layer by layer from `m = diag H_l`: (p,).

    Not the GGN diagonal: every layer drops the off-diagonal that it made. Exact for two linear layers with an
    elementwise one between them and a loss of diagonal Hessian. Becker and LeCun 1989, Improving the Convergence of
    Back-Propagation Learning with Second Order Methods.

    >>> import torch
    >>> model = nn.Linear(2, 1)
    >>> ggn_diagonal_backprop(model, torch.tensor([[3.0, 4.0]]), torch.zeros(1, 1), loss=nn.MSELoss())
    tensor([18., 32.,  2.])
    """
    factor, _ = scale(loss, y)
    root, theta = run(module, x)
    diagonal = at_output(loss, root.y, y).root().diagonal()
    return pull_diagonal(root, theta, diagonal.expand(len(x), *diagonal.shape[1:])) * factor


def pull_diagonal(root: Layer, theta: Theta, m: Tensor) -> Tensor:
    """The diagonal `m` (n, c) at the output, pulled back layer by layer and summed over the examples: (p,)."""
    sums = Sums(theta, root.y)

    def visit(layer: Layer, pulled: Pulled) -> None:
        sums.add(layer.where, layer.square_weight(pulled.forms))

    root.pull_squared(m.reshape(root.y.shape), visit, need=False)
    return sums.flat()
