"""The Jacobian of all outputs by all inputs, with the blocks across examples."""

from __future__ import annotations

from math import prod
from typing import Any

from xcheck._lazy import jax, torch
from xcheck.quantities._native import Array, Problem, arguments, batch, entries, in_both, in_jax, of_arguments, tree
from xcheck.quantity import Quantity, implements

JACOBIAN_BATCH = Quantity(
    name="jacobian_batch",
    formula="J[n, c, m, d] = d f_c(theta, x)_n / d x_md",
    shape="n c m d",
    wrt="inputs",
    order=1,
    reference=lambda exact: exact.jacobian_batch(),
    guard=lambda probe, claimed: probe.jacobian_batch(claimed),
    flops=lambda s: s.n * s.c * s.d,
    bytes=lambda s: s.itemsize * s.n**2 * s.c * s.d,
)


def _f(problem: Problem) -> Any:
    """The arguments to names and outputs (n, c)."""
    return of_arguments(problem, lambda *inputs: batch(problem)(problem.params, *inputs))


def _blocks(problem: Problem, found: dict[str, tuple[Array, ...]]) -> Any:
    """The tree of the result; leaves become (n, c, m, d)."""

    def flat(array: Array) -> Array:
        return problem.xp.reshape(array, (*array.shape[:3], -1))

    return tree({name: dict(zip(problem.arguments, map(flat, arrays), strict=True)) for name, arrays in found.items()})


def _whole(problem: Problem, jacobian: Any) -> Any:
    xs = arguments(problem)
    return _blocks(problem, jacobian(_f(problem), tuple(range(len(xs))))(*xs))


@in_both("jacobian_batch", "jacrev", tier="smoke", compiled=True)
def jacrev(problem: Problem) -> Any:
    """Reverse mode: one pull-back for each of the n c outputs."""
    return _whole(problem, problem.transforms.jacrev)


@in_both("jacobian_batch", "jacfwd")
def jacfwd(problem: Problem) -> Any:
    """Forward mode: one tangent for each of the m d entries of an argument."""
    return _whole(problem, problem.transforms.jacfwd)


@in_both("jacobian_batch", "vmap_vjp")
def vmap_vjp(problem: Problem) -> Any:
    """The pull-back of each unit cotangent, all at once."""
    return _pulled_back(problem, problem.transforms.vmap)


@in_both("jacobian_batch", "vmap_jvp")
def vmap_jvp(problem: Problem) -> Any:
    """The push-forward of each unit tangent of each argument, all at once."""
    xp, transforms = problem.xp, problem.transforms

    def columns(position: int, x: Array) -> dict[str, Array]:
        def f(x: Array) -> dict[str, Array]:
            xs = arguments(problem)
            return _f(problem)(*xs[:position], x, *xs[position + 1 :])

        units = xp.reshape(problem.identity(prod(x.shape)), (-1, *x.shape))
        found = transforms.vmap(lambda unit: transforms.jvp(f, (x,), (unit,))[1])(units)
        return {name: xp.reshape(xp.moveaxis(J, 0, -1), (*J.shape[1:], *x.shape)) for name, J in found.items()}

    parts = [columns(position, x) for position, x in enumerate(arguments(problem))]
    return _blocks(problem, {name: tuple(part[name] for part in parts) for name in problem.cotangents})


@in_jax("jacobian_batch", "loop", tier="full")
def jax_loop(problem: Problem) -> Any:
    """The pull-back of each unit cotangent, one after the other."""
    return _pulled_back(problem, lambda pull: lambda units: jax.lax.map(pull, units))


def _pulled_back(problem: Problem, over: Any) -> Any:
    xp = problem.xp

    def rows(name: str) -> tuple[Array, ...]:
        output, pull = problem.transforms.vjp(lambda *xs: _f(problem)(*xs)[name], *arguments(problem))
        units = xp.reshape(problem.identity(prod(output.shape)), (-1, *output.shape))
        return tuple(xp.reshape(J, (*output.shape, *J.shape[1:])) for J in over(pull)(units))

    return _blocks(problem, {name: rows(name) for name in problem.cotangents})


@implements("jacobian_batch", "loop", "torch")
def torch_loop(problem: Problem) -> Any:
    """`autograd.grad` of each output of each example, one after the other."""
    xs = tuple(x.detach().requires_grad_() for x in arguments(problem))
    found = {}
    for name, output in _f(problem)(*xs).items():
        ys = entries(output.reshape(-1))
        each = [torch.autograd.grad(y, xs, retain_graph=True, materialize_grads=True) for y in ys]
        rows = (
            torch.stack(J).reshape(*output.shape, *x.shape) for J, x in zip(zip(*each, strict=True), xs, strict=True)
        )
        found[name] = tuple(rows)
    return _blocks(problem, found)


@implements("jacobian_batch", "functional", "torch", tier="full")
def functional(problem: Problem) -> Any:
    """`torch.autograd.functional.jacobian`, one row after the other."""
    return _functional(problem, vectorize=False)


@implements("jacobian_batch", "functional_vectorized", "torch", tier="standard")
def functional_vectorized(problem: Problem) -> Any:
    """`torch.autograd.functional.jacobian`, all rows at once."""
    return _functional(problem, vectorize=True)


def _functional(problem: Problem, *, vectorize: bool) -> Any:
    def rows(name: str) -> tuple[Array, ...]:
        return torch.autograd.functional.jacobian(
            lambda *xs: _f(problem)(*xs)[name], arguments(problem), vectorize=vectorize
        )

    return _blocks(problem, {name: rows(name) for name in problem.cotangents})
