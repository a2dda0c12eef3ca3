"""The Jacobian of the outputs, per example: unit columns pulled back, each block written once."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from xcheck.layerwise._call import chunks, exact, run
from xcheck.layerwise._errors import BadShape
from xcheck.layerwise._forms import Unit
from xcheck.layerwise._fused.context import wanted
from xcheck.layerwise._fused.rows import fresh, streamed
from xcheck.layerwise._layer import Layer, Wrt
from xcheck.layerwise._plain import forward, narrow, outputs, plain, sizes
from xcheck.layerwise._plain_root import columns
from xcheck.layerwise._plain_root import jacobian as by_plain_chain
from xcheck.layerwise._theta import Theta
from xcheck.layerwise.gradients import rows


@exact
def jacobian(
    module: nn.Module,
    x: Float[Tensor, "n *d"],
    *,
    wrt: Wrt = "weight",
    out: Float[Tensor, "n c q"] | None = None,
    chunk_size: int | None = None,
) -> Float[Tensor, "n c q"]:
    """`J[n, c, p] = d f_c(x_n) / d theta_p`, or `J[n, c, d]` for `wrt="input"`; outputs and inputs are flattened.

    `out` is written in place and returned. Without it, narrow networks (every width at most 32) return a view whose
    examples are innermost in memory: same values, other strides. `chunk_size` bounds the memory beside the result.

    >>> import torch
    >>> model = nn.Linear(2, 1)
    >>> jacobian(model, torch.tensor([[3.0, 4.0]]))
    tensor([[[3., 4., 1.]]])
    """
    if torch.is_grad_enabled():
        if out is not None:
            raise BadShape("layerwise: out= cannot carry a graph; leave it away within differentiable()")
        return torch.cat([_jacobian(*run(module, part), wrt, None) for (part,) in chunks(chunk_size, x)])
    chain = narrow(module, x) if wrt == "weight" and out is None and chunk_size is None else None
    if chain is not None:
        return by_plain_chain(chain, columns(Unit(forward(chain, x).t()), len(x)), len(x)).permute(2, 1, 0)
    kernels = wanted(x) if wrt == "weight" and (out is None or out.is_contiguous()) else None
    chain = None if kernels is None else plain(module, x)
    if chain is not None and kernels is not None:
        shape = (len(x), outputs(chain), sum(sizes(chain)))
        out = fresh(kernels, x, shape) if out is None else _checked(out, shape, x)
        return streamed(kernels, chain, x, out, chunk_size)
    done = 0
    for (part,) in chunks(chunk_size, x):
        root, theta = run(module, part)
        if done == 0:
            shape = (len(x), *_shape(root, theta, wrt)[1:])
            out = _empty(root, shape, wrt) if out is None else _checked(out, shape, root.y)
        assert out is not None
        _jacobian(root, theta, wrt, out[done : done + len(part)])
        done += len(part)
    assert out is not None
    return out


def _shape(root: Layer, theta: Theta, wrt: Wrt) -> tuple[int, int, int]:
    n, c = root.y.shape[0], root.y.shape[1:].numel()
    return n, c, theta.size if wrt == "weight" else root.x.shape[1:].numel()


def _checked(out: Tensor, shape: tuple[int, int, int], y: Tensor) -> Tensor:
    if out.shape != shape or out.dtype != y.dtype or out.device != y.device:
        raise BadShape(
            f"layerwise: out is {tuple(out.shape)} {out.dtype} on {out.device}, "
            f"expected {shape} {y.dtype} on {y.device}"
        )
    return out


def _empty(root: Layer, shape: tuple[int, int, int], wrt: Wrt) -> Tensor:
    n, c, q = shape
    if wrt == "weight" and root.narrow:
        return root.y.new_empty(q, c, n).permute(2, 1, 0)
    return root.y.new_empty(n, c, q)


def _jacobian(root: Layer, theta: Theta, wrt: Wrt, out: Tensor | None) -> Tensor:
    """`J` of one chunk, from the unit columns at the output, into `out` if given."""
    if wrt == "weight":
        shape = _shape(root, theta, wrt)
        return rows(
            root, theta, Unit(root.y), (root.y.new_empty(shape) if out is None else out).transpose(0, 1)
        ).transpose(0, 1)
    found = root.vjp(Unit(root.y).pair(len(root.x))[0]).flatten(2).transpose(0, 1)
    return found if out is None else out.copy_(found)
