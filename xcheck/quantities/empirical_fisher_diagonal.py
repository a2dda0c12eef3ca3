"""The diagonal of the empirical Fisher matrix."""

from __future__ import annotations

from xcheck._lazy import jax, torch
from xcheck.quantities._native import Array, Problem, entries, every, in_both, in_jax
from xcheck.quantities.empirical_fisher import divisor, outer
from xcheck.quantities.per_example_gradients import example_gradient, jacrev, losses, vmap_grad
from xcheck.quantity import Quantity, implements

EMPIRICAL_FISHER_DIAGONAL = Quantity(
    name="empirical_fisher_diagonal",
    formula="diag F[p] = r sum_n (d l_n / d theta_p)^2",
    shape="p",
    wrt="params",
    order=1,
    reference=lambda exact: {"": exact.empirical_fisher_diagonal()},
    guard=lambda probe, claimed: probe.empirical_fisher_diagonal(claimed[""]),
    flops=lambda s: 2 * s.forward,
    bytes=lambda s: 2 * s.itemsize * s.p,
    needs_loss=True,
)


@in_both("empirical_fisher_diagonal", "vmap_grad", needs=("examples",), tier="smoke", compiled=True)
def squares(problem: Problem) -> Array:
    """The sum of the squared per-example gradients, made all at once."""
    return problem.xp.sum(vmap_grad(problem) ** 2, axis=0) * divisor(problem)


@in_both("empirical_fisher_diagonal", "jacrev")
def squares_of_rows(problem: Problem) -> Array:
    """The sum of the squared rows of the Jacobian of the n losses."""
    g = jacrev(problem)
    return problem.xp.einsum("np,np->p", g, g) * divisor(problem)


@in_both("empirical_fisher_diagonal", "tangents", needs=("directions",), tier="standard")
def tangents(problem: Problem) -> Array:
    """`|g e_i|^2 / r` by forward passes only."""

    def entry(e: Array) -> Array:
        return problem.xp.sum(problem.transforms.jvp(losses(problem), (problem.theta,), (e,))[1] ** 2)

    return every(problem, entry) * divisor(problem)


@in_both("empirical_fisher_diagonal", "full", needs=("dense", "examples"), tier="full")
def full(problem: Problem) -> Array:
    """The diagonal of the whole matrix."""
    return problem.xp.linalg.diagonal(outer(problem))


@in_jax("empirical_fisher_diagonal", "loop", needs=("examples",), tier="full")
def jax_loop(problem: Problem) -> Array:
    """The squared gradients added up, one example after the other."""

    def add(total: Array, one: tuple[Array, ...]) -> tuple[Array, None]:
        return total + example_gradient(problem)(*one) ** 2, None

    zero = jax.numpy.zeros_like(problem.theta)
    return jax.lax.scan(add, zero, (problem.targets, *problem.inputs))[0] * divisor(problem)


@implements("empirical_fisher_diagonal", "loop", "torch", tier="standard")
def torch_loop(problem: Problem) -> Array:
    """The squared gradients added up, `autograd.grad` of one example after the other."""
    theta = problem.theta.detach().requires_grad_()
    total = torch.zeros_like(theta)
    for loss in entries(losses(problem)(theta)):
        total = total + torch.autograd.grad(loss, theta, retain_graph=True)[0] ** 2
    return total.detach() * divisor(problem)
