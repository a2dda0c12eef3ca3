"""The Jacobian of the outputs by the inputs, per example."""

from __future__ import annotations

from math import prod
from typing import Any

from xcheck._lazy import jax, torch
from xcheck.quantities._native import (
    Array,
    Problem,
    arguments,
    batch,
    by_arguments,
    entries,
    example,
    in_both,
    in_jax,
    of_arguments,
)
from xcheck.quantity import Quantity, implements

JACOBIAN_INPUTS = Quantity(
    name="jacobian_inputs",
    formula="J[n, c, d] = d f_c(theta, x_n) / d x_nd",
    shape="n c d",
    wrt="inputs",
    order=1,
    reference=lambda exact: exact.jacobian("inputs"),
    guard=lambda probe, claimed: probe.jacobian(claimed, "inputs"),
    flops=lambda s: s.n * s.c * s.d,
    bytes=lambda s: s.itemsize * s.n * s.c * s.d,
)


@in_both("jacobian_inputs", "vmap_jacrev", needs=("examples",), tier="smoke", compiled=True)
def vmap_jacrev(problem: Problem) -> Any:
    """Reverse mode example by example, by all arguments at once."""
    return _per_example(problem, problem.transforms.jacrev)


@in_both("jacobian_inputs", "vmap_jacfwd", needs=("examples",))
def vmap_jacfwd(problem: Problem) -> Any:
    """Forward mode example by example, by all arguments at once."""
    return _per_example(problem, problem.transforms.jacfwd)


def _per_example(problem: Problem, jacobian: Any) -> Any:
    def f(*inputs: Array) -> dict[str, Array]:
        return example(problem)(problem.params, *inputs)

    return by_arguments(problem, problem.transforms.vmap(jacobian(f, problem.argnums))(*problem.inputs))


@in_both("jacobian_inputs", "jacrev", needs=("examples",), tier="full")
def jacrev(problem: Problem) -> Any:
    """Reverse mode over the whole batch, of whose (n, c, n, d) only the examples' own blocks are kept."""
    return _own_blocks(problem, problem.transforms.jacrev)


@in_both("jacobian_inputs", "jacfwd", needs=("examples",), tier="full")
def jacfwd(problem: Problem) -> Any:
    """Forward mode over the whole batch, of whose (n, c, n, d) only the examples' own blocks are kept."""
    return _own_blocks(problem, problem.transforms.jacfwd)


def _own_blocks(problem: Problem, jacobian: Any) -> Any:
    def f(*inputs: Array) -> dict[str, Array]:
        return batch(problem)(problem.params, *inputs)

    found = jacobian(f, problem.argnums)(*problem.inputs)
    own = problem.xp.einsum
    return by_arguments(problem, {o: tuple(own("ncn...->nc...", J) for J in blocks) for o, blocks in found.items()})


@in_both("jacobian_inputs", "vmap_jvp", needs=("examples",))
def vmap_jvp(problem: Problem) -> Any:
    """One tangent for each input dimension, the same for all examples, since no example looks at another."""
    xp, transforms = problem.xp, problem.transforms

    def columns(position: int, x: Array) -> dict[str, Array]:
        def f(x: Array) -> dict[str, Array]:
            inputs = (*problem.inputs[:position], x, *problem.inputs[position + 1 :])
            return batch(problem)(problem.params, *inputs)

        def column(direction: Array) -> dict[str, Array]:
            return transforms.jvp(f, (x,), (xp.broadcast_to(direction, x.shape),))[1]

        d = prod(x.shape[1:])
        found = transforms.vmap(column)(xp.reshape(problem.identity(d), (d, *x.shape[1:])))
        return {name: xp.moveaxis(J, 0, -1) for name, J in found.items()}

    parts = [columns(position, problem.inputs[position]) for position in problem.argnums]
    return by_arguments(problem, {name: tuple(part[name] for part in parts) for name in problem.cotangents})


@implements("jacobian_inputs", "loop", "torch", needs=("examples",))
def torch_loop(problem: Problem) -> Any:
    """`autograd.grad` of each output, summed over the examples, since no example looks at another."""
    xs = tuple(x.detach().requires_grad_() for x in arguments(problem))
    found = {}
    for name, output in of_arguments(problem, lambda *inputs: batch(problem)(problem.params, *inputs))(*xs).items():
        ys = entries(output.sum(dim=0))
        each = [torch.autograd.grad(y, xs, retain_graph=True, materialize_grads=True) for y in ys]
        found[name] = tuple(torch.stack(rows, dim=1) for rows in zip(*each, strict=True))
    return by_arguments(problem, found)


@in_jax("jacobian_inputs", "loop", needs=("examples",), tier="full")
def jax_loop(problem: Problem) -> Any:
    """The pull-back of each output, summed over the examples, since no example looks at another."""
    f = of_arguments(problem, lambda *inputs: batch(problem)(problem.params, *inputs))

    def gradients(name: str) -> tuple[Array, ...]:
        output, pull = jax.vjp(lambda *xs: f(*xs)[name], *arguments(problem))
        each = [pull(jax.numpy.broadcast_to(row, output.shape)) for row in problem.identity(output.shape[1])]
        return tuple(jax.numpy.stack(rows, axis=1) for rows in zip(*each, strict=True))

    return by_arguments(problem, {name: gradients(name) for name in problem.cotangents})


@implements("jacobian_inputs", "functional", "torch", needs=("examples",), tier="full")
def functional(problem: Problem) -> Any:
    """`torch.autograd.functional.jacobian` of the outputs summed over the examples, one row after the other."""
    return _functional(problem, vectorize=False)


@implements("jacobian_inputs", "functional_vectorized", "torch", needs=("examples",), tier="full")
def functional_vectorized(problem: Problem) -> Any:
    """`torch.autograd.functional.jacobian` of the outputs summed over the examples, all rows at once."""
    return _functional(problem, vectorize=True)


def _functional(problem: Problem, *, vectorize: bool) -> Any:
    f = of_arguments(problem, lambda *inputs: batch(problem)(problem.params, *inputs))

    def rows(name: str) -> tuple[Array, ...]:
        found = torch.autograd.functional.jacobian(
            lambda *xs: f(*xs)[name].sum(dim=0), arguments(problem), vectorize=vectorize
        )
        return tuple(J.movedim(0, 1) for J in found)

    return by_arguments(problem, {name: rows(name) for name in problem.cotangents})
