"""The empirical Fisher matrix, scaled as the loss."""

from __future__ import annotations

from xcheck._lazy import jax, torch
from xcheck.quantities._native import Array, Problem, entries, in_both, in_jax
from xcheck.quantities.per_example_gradients import example_gradient, jacrev, losses, vmap_grad
from xcheck.quantity import Quantity, implements

EMPIRICAL_FISHER = Quantity(
    name="empirical_fisher",
    formula="F = r sum_n grad l_n grad l_n^T",
    shape="p p",
    wrt="params",
    order=1,
    reference=lambda exact: {"": exact.empirical_fisher()},
    guard=lambda probe, claimed: probe.empirical_fisher(claimed[""]),
    flops=lambda s: s.p * (s.p + 1) / 2,
    bytes=lambda s: s.itemsize * s.p**2,
    symmetric=True,
    psd=True,
    needs_loss=True,
)


def divisor(problem: Problem) -> int:
    """`1/r`: two gradients carry an r each, and the matrix has one."""
    (output,) = problem.cotangents.values()
    return problem.case.loss.divisor(tuple(output.shape))


@in_both("empirical_fisher", "vmap_grad", needs=("examples",), tier="smoke", compiled=True)
def outer(problem: Problem) -> Array:
    """`g^T g / r` of the per-example gradients g, made all at once."""
    g = vmap_grad(problem)
    return problem.xp.matmul(g.T, g) * divisor(problem)


@in_both("empirical_fisher", "jacrev")
def gram(problem: Problem) -> Array:
    """`g^T g / r`, with g the Jacobian of the n losses."""
    g = jacrev(problem)
    return problem.xp.einsum("np,nq->pq", g, g) * divisor(problem)


@in_both("empirical_fisher", "products")
def products(problem: Problem) -> Array:
    """`g^T (g e_i) / r` for all i at once: a forward pass and a pull-back."""
    transforms, f = problem.transforms, losses(problem)
    _, pull = transforms.vjp(f, problem.theta)

    def row(e: Array) -> Array:
        return pull(transforms.jvp(f, (problem.theta,), (e,))[1])[0]

    return transforms.vmap(row)(problem.identity(problem.theta.shape[0])) * divisor(problem)


@in_jax("empirical_fisher", "loop", needs=("examples",), tier="full")
def jax_loop(problem: Problem) -> Array:
    """`grad l_n grad l_n^T` added up, one example after the other."""

    def add(total: Array, one: tuple[Array, ...]) -> tuple[Array, None]:
        g = example_gradient(problem)(*one)
        return total + jax.numpy.outer(g, g), None

    zero = jax.numpy.zeros_like(problem.identity(problem.theta.size))
    return jax.lax.scan(add, zero, (problem.targets, *problem.inputs))[0] * divisor(problem)


@implements("empirical_fisher", "loop", "torch", tier="standard")
def torch_loop(problem: Problem) -> Array:
    """`grad l_n grad l_n^T` added up, `autograd.grad` of one example after the other."""
    theta = problem.theta.detach().requires_grad_()
    total = torch.zeros_like(problem.identity(len(theta)))
    for loss in entries(losses(problem)(theta)):
        (g,) = torch.autograd.grad(loss, theta, retain_graph=True)
        total = total + torch.outer(g, g)
    return total * divisor(problem)
