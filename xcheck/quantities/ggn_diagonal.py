"""The diagonal of the generalised Gauss-Newton matrix."""

from __future__ import annotations

from xcheck._lazy import jax, torch
from xcheck.quantities._native import Array, Problem, entries, every, example, in_both, in_jax, output_of_theta
from xcheck.quantities.ggn import ggn_product, jacobian, output_hessians
from xcheck.quantities.jacobian_params import vmap_jacrev
from xcheck.quantity import Quantity, implements

GGN_DIAGONAL = Quantity(
    name="ggn_diagonal",
    formula="diag G[p] = sum_n J_n[:, p]^T H_n J_n[:, p]",
    shape="p",
    wrt="params",
    order=1,
    reference=lambda exact: {"": exact.ggn_diagonal()},
    guard=lambda probe, claimed: probe.ggn_diagonal(claimed[""]),
    flops=lambda s: s.forward,
    bytes=lambda s: 2 * s.itemsize * s.p,
    needs_loss=True,
)


@in_both("ggn_diagonal", "full", needs=("dense", "examples"), tier="full")
def full(problem: Problem) -> Array:
    """The diagonal of the whole matrix."""
    return problem.xp.linalg.diagonal(jacobian(problem))


@in_both("ggn_diagonal", "jacobian", needs=("examples",), tier="smoke", compiled=True)
def squares(problem: Problem) -> Array:
    """`sum_n J_n[:, p]^T H_n J_n[:, p]` from the per-example Jacobians, without the matrix."""
    J, einsum = vmap_jacrev(problem), problem.xp.einsum
    H = output_hessians(problem, problem.f(problem.params, *problem.inputs))
    return problem.xp.sum(J * einsum("nck,nkp->ncp", H, J), axis=(0, 1))


@in_both("ggn_diagonal", "tangents", needs=("directions",))
def tangents(problem: Problem) -> Array:
    """`J e_i . H_l J e_i` by forward passes only, a chunk of i at a time."""
    transforms, f = problem.transforms, output_of_theta(problem)

    def entry(e: Array) -> Array:
        output, u = transforms.jvp(f, (problem.theta,), (e,))
        return problem.xp.sum(u * transforms.jvp(transforms.grad(problem.loss), (output,), (u,))[1])

    return every(problem, entry)


@in_both("ggn_diagonal", "products", needs=("directions",))
def products(problem: Problem) -> Array:
    """`e_i . G e_i`, a chunk of i at a time."""
    product = ggn_product(problem)
    return every(problem, lambda e: problem.xp.sum(e * product(e)))


@in_jax("ggn_diagonal", "loop", needs=("examples",), tier="full")
def jax_loop(problem: Problem) -> Array:
    """`sum_c J_n[c, p] (H_n J_n)[c, p]` added up, one example after the other: one Jacobian is held, not n."""

    def add(total: Array, one: tuple[Array, ...]) -> tuple[Array, None]:
        H, *inputs = one

        def f(theta: Array) -> Array:
            (output,) = example(problem)(problem.unflatten(theta), *inputs).values()
            return output

        J = jax.jacrev(f)(problem.theta)
        return total + jax.numpy.sum(J * (H @ J), axis=0), None

    H = output_hessians(problem, problem.f(problem.params, *problem.inputs))
    return jax.lax.scan(add, jax.numpy.zeros_like(problem.theta), (H, *problem.inputs))[0]


@implements("ggn_diagonal", "loop", "torch", tier="full")
def torch_loop(problem: Problem) -> Array:
    """The same with `autograd.grad` of one output after the other."""
    theta = problem.theta.detach().requires_grad_()
    output = output_of_theta(problem)(theta)
    total = torch.zeros_like(theta)
    for f, H in zip(output.flatten(1), output_hessians(problem, output.detach()), strict=True):
        J = torch.stack([torch.autograd.grad(one, theta, retain_graph=True)[0] for one in entries(f)])
        total = total + torch.sum(J * (H @ J), dim=0).detach()
    return total
