"""The generalised Gauss-Newton matrix of the loss."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

from xcheck._lazy import jax, torch
from xcheck.quantities._native import Array, Problem, example_loss, in_both, in_jax, output_of_theta
from xcheck.quantities.jacobian_params import vmap_jacrev
from xcheck.quantity import Quantity, implements

GGN = Quantity(
    name="ggn",
    formula="G = sum_n J_n^T H_n J_n, H_n = r d^2 l_n / d f^2",
    shape="p p",
    wrt="params",
    order=1,
    reference=lambda exact: {"": exact.ggn()},
    guard=lambda probe, claimed: probe.ggn(claimed[""]),
    flops=lambda s: s.p * (s.p + 1) / 2,
    bytes=lambda s: s.itemsize * s.p**2,
    symmetric=True,
    psd=True,
    needs_loss=True,
)


def output_hessians(problem: Problem, output: Array) -> Array:
    """`H_n = r d^2 l_n / d f^2` (n, c, c)."""
    H = problem.transforms.vmap(problem.transforms.hessian(example_loss(problem)))(output, problem.targets)
    c = prod(output.shape[1:])
    return problem.xp.reshape(H, (-1, c, c))


def ggn_product(problem: Problem) -> Callable[[Array], Array]:
    """`v -> J^T H_l J v`: a forward pass, the loss's own Hessian-vector product, a pull-back."""
    transforms, f = problem.transforms, output_of_theta(problem)
    output, pull = transforms.vjp(f, problem.theta)

    def product(v: Array) -> Array:
        u = transforms.jvp(f, (problem.theta,), (v,))[1]
        w = transforms.jvp(transforms.grad(problem.loss), (output,), (u,))[1]
        return pull(w)[0]

    return product


@in_both("ggn", "jacobian", needs=("examples",), tier="smoke", compiled=True)
def jacobian(problem: Problem) -> Array:
    """`sum_n J_n^T H_n J_n` from the per-example Jacobians."""
    J, einsum = vmap_jacrev(problem), problem.xp.einsum
    output = problem.f(problem.params, *problem.inputs)
    return einsum("ncp,ncq->pq", J, einsum("nck,nkq->ncq", output_hessians(problem, output), J))


@in_both("ggn", "products")
def products(problem: Problem) -> Array:
    """`G e_i` for all i at once."""
    return problem.transforms.vmap(ggn_product(problem))(problem.identity(problem.theta.shape[0]))


@in_both("ggn", "linearised")
def linearised(problem: Problem) -> Array:
    """The Hessian of the loss of the linearised program, `L(f(theta) + J (t - theta))` at t = theta."""
    transforms, f, theta = problem.transforms, output_of_theta(problem), problem.theta

    def objective(t: Array) -> Array:
        output, change = transforms.jvp(f, (theta,), (t - theta,))
        return problem.loss(output + change)

    return transforms.jacrev(transforms.jacrev(objective))(theta)


@implements("ggn", "loop", "torch")
def loop(problem: Problem) -> Array:
    """`G e_i` by the double-backward trick, one after the other."""
    theta = problem.theta.detach().requires_grad_()
    output = output_of_theta(problem)(theta)
    free = output.detach().requires_grad_()
    (slope,) = torch.autograd.grad(problem.loss(free), free, create_graph=True)
    # The pull-back is linear in its cotangent, so its own pull-back is J v.
    cotangent = torch.zeros_like(output, requires_grad=True)
    (pulled,) = torch.autograd.grad(output, theta, cotangent, create_graph=True)

    def product(v: Array) -> Array:
        (u,) = torch.autograd.grad(pulled, cotangent, v, retain_graph=True)
        (w,) = torch.autograd.grad(slope, free, u, retain_graph=True)
        return torch.autograd.grad(output, theta, w, retain_graph=True)[0]

    return torch.stack([product(e) for e in problem.identity(theta.shape[0])])


@in_jax("ggn", "loop", tier="full")
def jax_loop(problem: Problem) -> Array:
    """`G e_i`, one after the other."""
    return jax.lax.map(ggn_product(problem), problem.identity(problem.theta.size))
