"""The diagonal blocks of the generalised Gauss-Newton matrix, one for each parameter array, under its name."""

from __future__ import annotations

from collections.abc import Callable

from xcheck._lazy import jax, torch
from xcheck.quantities._native import Array, Problem, in_both, in_jax, output_of_theta
from xcheck.quantities.ggn import ggn_product, jacobian, output_hessians
from xcheck.quantities.hessian_blocks import columns
from xcheck.quantities.jacobian_params import vmap_jacrev
from xcheck.quantity import Quantity, implements

GGN_BLOCKS = Quantity(
    name="ggn_blocks",
    formula="G_bb = sum_n J_nb^T H_n J_nb, b one parameter array",
    shape="b b",
    wrt="params",
    order=1,
    reference=lambda exact: exact.ggn_blocks(),
    guard=lambda probe, claimed: probe.ggn_blocks(claimed),
    flops=lambda s: s.p,
    bytes=lambda s: s.itemsize * s.p,
    needs_loss=True,
)


@in_both("ggn_blocks", "full", needs=("dense", "examples"))
def full(problem: Problem) -> dict[str, Array]:
    """Cut from the whole matrix."""
    G = jacobian(problem)
    return {name: G[where, where] for name, where in columns(problem).items()}


@in_both("ggn_blocks", "jacobian", needs=("examples",), tier="smoke", compiled=True)
def jacobians(problem: Problem) -> dict[str, Array]:
    """`sum_n J_nb^T H_n J_nb` from the per-example Jacobians, without the blocks across arrays."""
    J, einsum = vmap_jacrev(problem), problem.xp.einsum
    H = output_hessians(problem, problem.f(problem.params, *problem.inputs))

    def block(B: Array) -> Array:
        return einsum("ncp,ncq->pq", B, einsum("nck,nkq->ncq", H, B))

    return {name: block(J[:, :, where]) for name, where in columns(problem).items()}


@in_both("ggn_blocks", "products")
def products(problem: Problem) -> dict[str, Array]:
    """The block's own rows of `G e_i`, all i of a block at once."""
    return _rows(problem, problem.transforms.vmap)


@in_jax("ggn_blocks", "loop", tier="full")
def jax_loop(problem: Problem) -> dict[str, Array]:
    """The block's own rows of `G e_i`, one after the other."""
    return _rows(problem, lambda product: lambda units: jax.lax.map(product, units))


def _rows(problem: Problem, over: Callable[..., Callable[[Array], Array]]) -> dict[str, Array]:
    product, identity = ggn_product(problem), problem.identity(problem.theta.shape[0])
    return {name: over(product)(identity[where])[:, where] for name, where in columns(problem).items()}


@implements("ggn_blocks", "loop", "torch", tier="standard")
def torch_loop(problem: Problem) -> dict[str, Array]:
    """`J_b^T H_l J_b e_i`: dual numbers for `J_b e_i`, `autograd.grad` for the rest, one after the other."""
    params = {name: array.detach().requires_grad_() for name, array in problem.params.items()}
    output = problem.f(params, *problem.inputs)
    free = output.detach().requires_grad_()
    (slope,) = torch.autograd.grad(problem.loss(free), free, create_graph=True)

    def block(name: str, x: Array) -> Array:
        def f(values: Array) -> Array:
            return output_of_theta(problem)(problem.flatten({**problem.params, name: values}))

        def row(unit: Array) -> Array:
            u = torch.func.jvp(f, (problem.params[name],), (unit.reshape(x.shape),))[1]
            (w,) = torch.autograd.grad(slope, free, u, retain_graph=True, materialize_grads=True)
            return torch.autograd.grad(output, x, w, retain_graph=True, materialize_grads=True)[0].reshape(-1)

        return torch.stack([row(unit) for unit in problem.identity(x.numel())])

    return {name: block(name, x) for name, x in params.items()}
