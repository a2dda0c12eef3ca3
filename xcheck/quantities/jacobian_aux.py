"""The Jacobian by the inputs together with the aux of the same evaluation, under `aux/...`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xcheck.quantities._native import Array, Problem, arguments, by_arguments, in_both, of_arguments, rows
from xcheck.quantity import Quantity

JACOBIAN_AUX = Quantity(
    name="jacobian_aux",
    formula="(J[n, c, d], aux)",
    shape="n c d",
    wrt="inputs",
    order=1,
    reference=lambda exact: {**exact.jacobian("inputs"), **exact.aux()},
    guard=lambda probe, claimed: [*probe.jacobian(claimed, "inputs"), *probe.aux(claimed)],
    flops=lambda s: s.n * s.c * s.d,
    bytes=lambda s: s.itemsize * s.n * s.c * s.d,
)


def _joined(problem: Problem, found: Any, aux: dict[str, Array]) -> dict[str, Array]:
    return {**by_arguments(problem, found), **{f"aux/{name}": array for name, array in aux.items()}}


def _batch(problem: Problem) -> Callable[..., tuple[dict[str, Array], dict[str, Array]]]:
    def f(*inputs: Array) -> tuple[dict[str, Array], dict[str, Array]]:
        outputs, aux = problem.outputs_and_aux(problem.params, *inputs)
        return rows(outputs, problem.xp), aux

    return f


@in_both("jacobian_aux", "jacrev", needs=("aux", "examples"), tier="full")
def jacrev(problem: Problem) -> dict[str, Array]:
    """`jacrev(has_aux=True)` over the whole batch, of which the examples' own blocks are kept."""
    return _own_blocks(problem, problem.transforms.jacrev)


@in_both("jacobian_aux", "jacfwd", needs=("aux", "examples"), tier="full")
def jacfwd(problem: Problem) -> dict[str, Array]:
    """`jacfwd(has_aux=True)` over the whole batch, of which the examples' own blocks are kept."""
    return _own_blocks(problem, problem.transforms.jacfwd)


def _own_blocks(problem: Problem, jacobian: Any) -> dict[str, Array]:
    found, aux = jacobian(_batch(problem), problem.argnums, has_aux=True)(*problem.inputs)
    own = problem.xp.einsum
    return _joined(problem, {o: tuple(own("ncn...->nc...", J) for J in blocks) for o, blocks in found.items()}, aux)


@in_both("jacobian_aux", "vmap_jacrev", needs=("aux", "examples"), tier="smoke", compiled=True)
def vmap_jacrev(problem: Problem) -> dict[str, Array]:
    """`jacrev(has_aux=True)` example by example."""
    return _per_example(problem, problem.transforms.jacrev)


@in_both("jacobian_aux", "vmap_jacfwd", needs=("aux", "examples"))
def vmap_jacfwd(problem: Problem) -> dict[str, Array]:
    """`jacfwd(has_aux=True)` example by example."""
    return _per_example(problem, problem.transforms.jacfwd)


def _per_example(problem: Problem, jacobian: Any) -> dict[str, Array]:
    def f(*inputs: Array) -> tuple[dict[str, Array], dict[str, Array]]:
        outputs, aux = _batch(problem)(*(x[None] for x in inputs))
        return {name: output[0] for name, output in outputs.items()}, {name: array[0] for name, array in aux.items()}

    return _joined(problem, *problem.transforms.vmap(jacobian(f, problem.argnums, has_aux=True))(*problem.inputs))


@in_both("jacobian_aux", "vjp", needs=("aux", "examples"))
def vjp(problem: Problem) -> dict[str, Array]:
    """`vjp(has_aux=True)`, then the pull-back of each output, summed over the examples."""
    xp, g = problem.xp, of_arguments(problem, _batch(problem))
    outputs, pull, aux = problem.transforms.vjp(g, *arguments(problem), has_aux=True)

    def gradients(name: str) -> tuple[Array, ...]:
        zeros = {other: xp.zeros_like(output) for other, output in outputs.items()}
        each = [
            pull({**zeros, name: xp.broadcast_to(row, outputs[name].shape)})
            for row in problem.identity(outputs[name].shape[1])
        ]
        return tuple(xp.stack(part, axis=1) for part in zip(*each, strict=True))

    return _joined(problem, {name: gradients(name) for name in outputs}, aux)
