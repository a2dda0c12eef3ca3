"""The Hessian of the loss by the parameters."""

from __future__ import annotations

from xcheck._lazy import jax, torch
from xcheck.quantities._native import NORMS, Array, Problem, entries, hessian_reverse_over_forward, in_both, in_jax
from xcheck.quantity import Quantity, implements
from xcheck.result import Limitation

#: Columns at once: all p of them would hold p^2 copies of the activations.
CHUNK = 8

HESSIAN_PARAMS = Quantity(
    name="hessian_params",
    formula="H[p, q] = d^2 L / d theta_p d theta_q",
    shape="p p",
    wrt="params",
    order=2,
    reference=lambda exact: {"": exact.hessian()},
    guard=lambda probe, claimed: probe.hessian(claimed[""]),
    flops=lambda s: s.p * (s.p + 1) / 2,
    bytes=lambda s: s.itemsize * s.p**2,
    symmetric=True,
    needs_loss=True,
)


@in_both(
    "hessian_params", "forward_over_reverse", tier="smoke", compiled=True,
    torch_limitations=NORMS,
)  # fmt: skip
def forward_over_reverse(problem: Problem) -> Array:
    """`jacfwd(jacrev(L))`, which both frameworks call `hessian`."""
    return problem.transforms.hessian(problem.objective)(problem.theta)


@in_both("hessian_params", "reverse_over_reverse", torch_limitations=NORMS)
def reverse_over_reverse(problem: Problem) -> Array:
    """`jacrev(jacrev(L))`."""
    transforms = problem.transforms
    return transforms.jacrev(transforms.jacrev(problem.objective))(problem.theta)


@in_both("hessian_params", "reverse_over_forward", torch_limitations=NORMS)
def reverse_over_forward(problem: Problem) -> Array:
    """Row i is the gradient of `theta -> dL(theta) e_i`, all i at once."""
    return hessian_reverse_over_forward(problem, problem.objective, problem.theta)


@implements("hessian_params", "forward_over_forward", "torch", tier="full", limitations=NORMS)
def torch_forward_over_forward(problem: Problem) -> Array:
    """`jacfwd(jacfwd(L))` by p^2 passes, in chunks of columns."""
    gradient = torch.func.jacfwd(problem.objective)

    def column(v: Array) -> Array:
        return torch.func.jvp(gradient, (problem.theta,), (v,))[1]

    columns = torch.func.vmap(column, out_dims=1, chunk_size=CHUNK)
    return columns(problem.identity(problem.theta.shape[0]))


@in_jax("hessian_params", "forward_over_forward", tier="full")
def jax_forward_over_forward(problem: Problem) -> Array:
    """`jacfwd(jacfwd(L))` by p^2 passes, column by column."""
    gradient = jax.jacfwd(problem.objective)
    columns = jax.lax.map(lambda v: jax.jvp(gradient, (problem.theta,), (v,))[1], problem.identity(problem.theta.size))
    return columns.T


@implements("hessian_params", "loop", "torch")
def torch_loop(problem: Problem) -> Array:
    """`autograd.grad` of each entry of the gradient, one after the other."""
    theta = problem.theta.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(problem.objective(theta), theta, create_graph=True)
    each = entries(gradient)
    rows = [torch.autograd.grad(g, theta, retain_graph=True, materialize_grads=True)[0] for g in each]
    return torch.stack(rows)


@in_jax("hessian_params", "loop", tier="full")
def jax_loop(problem: Problem) -> Array:
    """The pull-back of each entry of the gradient, one after the other."""
    gradient, pull = jax.vjp(jax.grad(problem.objective), problem.theta)
    return jax.lax.map(lambda row: pull(row)[0], problem.identity(gradient.size))


@implements(
    "hessian_params", "functional_vectorized", "torch", tier="standard",
    limitations=(
        Limitation(
            "vmap of the derivative of the backward pass of group_norm raises",
            "docs/findings.md#pytorch-a-vectorised-hessian-through-groupnorm-raises", outcome="raised",
            case="group_norm",
        ),
    ),
)  # fmt: skip
def functional_vectorized(problem: Problem) -> Array:
    """`torch.autograd.functional.hessian`, vectorised."""
    return torch.autograd.functional.hessian(problem.objective, problem.theta, vectorize=True)


@implements("hessian_params", "functional", "torch", tier="full")
def functional(problem: Problem) -> Array:
    """`torch.autograd.functional.hessian`, one row after the other."""
    return torch.autograd.functional.hessian(problem.objective, problem.theta)


@implements("hessian_params", "jacrev_chunks", "torch", tier="full")
def jacrev_chunks(problem: Problem) -> Array:
    """`jacrev(chunk_size=...)` of the gradient: so many rows at a time."""
    return torch.func.jacrev(torch.func.grad(problem.objective), chunk_size=CHUNK)(problem.theta)


@implements("hessian_params", "functional_call", "torch", needs=("module", "examples"), tier="full", limitations=NORMS)
def functional_call(problem: Problem) -> Array:
    """`jacrev(jacrev)` of a functional call by the dict of parameters, its blocks put in canonical order."""
    loss_module, names = problem.loss_module, tuple(problem.params)

    def objective(params: dict[str, Array]) -> Array:
        return loss_module(torch.func.functional_call(problem.module, params, problem.inputs), problem.targets)

    H = torch.func.jacrev(torch.func.jacrev(objective))(problem.params)
    sizes = {name: array.numel() for name, array in problem.params.items()}
    rows = [torch.cat([H[a][b].reshape(sizes[a], sizes[b]) for b in names], dim=1) for a in names]
    return torch.cat(rows)
