"""The diagonal blocks of the Hessian of the loss, one for each parameter array, under its name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from xcheck._lazy import jax, torch
from xcheck.quantities._native import Array, Problem, entries, hessian_reverse_over_forward, in_both, in_jax
from xcheck.quantity import Quantity, implements

HESSIAN_BLOCKS = Quantity(
    name="hessian_blocks",
    formula="H_bb = d^2 L / d theta_b^2, b one parameter array",
    shape="b b",
    wrt="params",
    order=2,
    reference=lambda exact: exact.hessian_blocks(),
    guard=lambda probe, claimed: probe.hessian_blocks(claimed),
    flops=lambda s: s.p,
    bytes=lambda s: s.itemsize * s.p,
    needs_loss=True,
)


def columns(problem: Problem) -> dict[str, slice]:
    """Where each parameter array lies in theta."""
    found, start = {}, 0
    for name, values in problem.case.values().params.items():
        found[name] = slice(start, start + values.size)
        start += values.size
    return found


def of_block(problem: Problem, where: slice) -> Callable[[Array], Array]:
    """The loss as a function of one parameter array, flat."""
    theta = problem.theta
    return lambda block: problem.objective(problem.xp.concat([theta[: where.start], block, theta[where.stop :]]))


def _each(problem: Problem, second: Callable[[Callable[[Array], Array]], Callable[[Array], Array]]) -> dict[str, Array]:
    places = columns(problem).items()
    return {name: second(of_block(problem, where))(problem.theta[where]) for name, where in places}


@in_both("hessian_blocks", "forward_over_reverse", compiled=True)
def forward_over_reverse(problem: Problem) -> dict[str, Array]:
    """`jacfwd(jacrev(L))` of one parameter array after the other."""
    return _each(problem, problem.transforms.hessian)


@in_both("hessian_blocks", "reverse_over_reverse")
def reverse_over_reverse(problem: Problem) -> dict[str, Array]:
    """`jacrev(jacrev(L))` of one parameter array after the other."""
    transforms = problem.transforms
    return _each(problem, lambda f: transforms.jacrev(transforms.jacrev(f)))


@in_both("hessian_blocks", "reverse_over_forward", tier="full")
def reverse_over_forward(problem: Problem) -> dict[str, Array]:
    """The rows of a block, each the gradient of `theta_b -> dL(theta_b) e_i`, one parameter array after the other."""
    return _each(problem, lambda f: partial(hessian_reverse_over_forward, problem, f))


@in_both("hessian_blocks", "full", needs=("dense",), tier="smoke")
def full(problem: Problem) -> dict[str, Array]:
    """Cut from the whole Hessian."""
    H = problem.transforms.hessian(problem.objective)(problem.theta)
    return {name: H[where, where] for name, where in columns(problem).items()}


@in_jax("hessian_blocks", "loop", tier="full")
def jax_loop(problem: Problem) -> dict[str, Array]:
    """The pull-back of each entry of a block's gradient, one after the other."""

    def rows(f: Callable[[Array], Array]) -> Callable[[Array], Array]:
        def block(x: Array) -> Array:
            pull = jax.vjp(jax.grad(f), x)[1]
            return jax.lax.map(lambda unit: pull(unit)[0], problem.identity(x.size))

        return block

    return _each(problem, rows)


@implements("hessian_blocks", "loop", "torch")
def torch_loop(problem: Problem) -> dict[str, Array]:
    """`autograd.grad` of each entry of the gradient by its own array, one after the other."""
    params = {name: array.detach().requires_grad_() for name, array in problem.params.items()}
    loss = problem.loss(problem.f(params, *problem.inputs))
    slopes = torch.autograd.grad(loss, list(params.values()), create_graph=True, materialize_grads=True)

    def rows(slope: Array, x: Array) -> Array:
        if not slope.requires_grad:  # the loss is linear in this array
            return x.new_zeros(x.numel(), x.numel())
        gs = entries(slope.reshape(-1))
        each = [torch.autograd.grad(g, x, retain_graph=True, materialize_grads=True)[0] for g in gs]
        return torch.stack(each).reshape(x.numel(), x.numel())

    return {name: rows(slope, x) for slope, (name, x) in zip(slopes, params.items(), strict=True)}


@implements("hessian_blocks", "functional", "torch", needs=("dense",), tier="full")
def functional(problem: Problem) -> dict[str, Array]:
    """The diagonal of what `torch.autograd.functional.hessian` makes of several arguments."""
    names = tuple(problem.params)

    def objective(*arrays: Array) -> Array:
        return problem.loss(problem.f(dict(zip(names, arrays, strict=True)), *problem.inputs))

    H = torch.autograd.functional.hessian(objective, tuple(problem.params.values()))
    return {name: H[k][k].reshape(problem.params[name].numel(), -1) for k, name in enumerate(names)}
