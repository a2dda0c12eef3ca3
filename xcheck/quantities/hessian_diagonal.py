"""The diagonal of the Hessian of the loss."""

from __future__ import annotations

from xcheck._lazy import jax, torch
from xcheck.quantities._native import NORMS, Array, Problem, entries, every, in_both, in_jax, miscompiled
from xcheck.quantity import Quantity, implements

HESSIAN_DIAGONAL = Quantity(
    name="hessian_diagonal",
    formula="diag H[p] = d^2 L / d theta_p^2",
    shape="p",
    wrt="params",
    order=2,
    reference=lambda exact: {"": exact.hessian_diagonal()},
    guard=lambda probe, claimed: probe.hessian_diagonal(claimed[""]),
    flops=lambda s: 2 * s.forward,
    bytes=lambda s: 2 * s.itemsize * s.p,
    needs_loss=True,
)


@in_both("hessian_diagonal", "full", needs=("dense",))
def full(problem: Problem) -> Array:
    """The diagonal of the whole Hessian."""
    return problem.xp.linalg.diagonal(problem.transforms.hessian(problem.objective)(problem.theta))


@in_both(
    "hessian_diagonal", "vmap_hvp", tier="smoke", compiled=True, compiled_needs=("dense",),
    compiled_limitations=(miscompiled("batch_norm_*,embedding,layer_norm,shared_linear"),),
)  # fmt: skip
def hvps(problem: Problem) -> Array:
    """`e_i . H e_i` by forward over reverse, a chunk of i at a time."""
    transforms, xp = problem.transforms, problem.xp

    def entry(e: Array) -> Array:
        return xp.sum(e * transforms.jvp(transforms.grad(problem.objective), (problem.theta,), (e,))[1])

    return every(problem, entry)


@in_both("hessian_diagonal", "forward_over_forward", torch_limitations=NORMS)
def forward_over_forward(problem: Problem) -> Array:
    """`d^2 L(theta + t e_i) / d t^2`, a chunk of i at a time, without any reverse pass."""
    transforms = problem.transforms

    def second(e: Array) -> Array:
        def first(theta: Array) -> Array:
            return transforms.jvp(problem.objective, (theta,), (e,))[1]

        return transforms.jvp(first, (problem.theta,), (e,))[1]

    return every(problem, second)


@implements("hessian_diagonal", "loop", "torch", needs=("dense",), tier="standard")
def torch_loop(problem: Problem) -> Array:
    """Entry i of the derivative of entry i of the gradient, one after the other."""
    theta = problem.theta.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(problem.objective(theta), theta, create_graph=True)
    each = entries(gradient)
    rows = (torch.autograd.grad(g, theta, retain_graph=True, materialize_grads=True)[0] for g in each)
    return torch.stack([row[i] for i, row in enumerate(rows)])


@in_jax("hessian_diagonal", "loop", tier="full")
def jax_loop(problem: Problem) -> Array:
    """`e_i . H e_i` by reverse over reverse, one after the other."""
    gradient, pull = jax.vjp(jax.grad(problem.objective), problem.theta)
    return jax.lax.map(lambda e: pull(e)[0] @ e, problem.identity(gradient.size))
