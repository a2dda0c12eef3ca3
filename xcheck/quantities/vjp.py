"""The product of the case's cotangents with the Jacobian, summed over outputs; flat in canonical order."""

from __future__ import annotations

from typing import Any

from xcheck._lazy import jax, torch
from xcheck.quantities._along import by_primals, inner, outputs, primals
from xcheck.quantities._native import Array, Problem, in_both, in_jax
from xcheck.quantity import Quantity, implements

VJP = Quantity(
    name="vjp",
    formula="J^T w, by the parameters (p,), or an array for each argument where wrt names some",
    shape="p",
    wrt="params",
    order=1,
    reference=lambda exact: exact.vjp(),
    guard=lambda probe, claimed: probe.vjp(claimed),
    flops=lambda s: 2 * s.forward,
    bytes=lambda s: s.itemsize * (s.n * s.c + 2 * s.p),
)


@in_both("vjp", "vjp", tier="smoke", compiled=True)
def reverse(problem: Problem) -> Any:
    """Reverse mode: one pass."""
    _, pull = problem.transforms.vjp(outputs(problem), *primals(problem))
    return by_primals(problem, pull(problem.cotangents))


@in_both("vjp", "grad")
def grad(problem: Problem) -> Any:
    """The gradient of `<w, f>`."""

    def weighted(*xs: Array) -> Array:
        return inner(problem, tuple(outputs(problem)(*xs).values()), tuple(problem.cotangents.values()))

    positions = tuple(range(len(primals(problem))))
    return by_primals(problem, problem.transforms.grad(weighted, positions)(*primals(problem)))


@in_both("vjp", "full", needs=("dense",), tier="full")
def full(problem: Problem) -> Any:
    """`w` times the whole Jacobian, by forward mode."""
    xp, xs = problem.xp, primals(problem)
    J = problem.transforms.jacfwd(outputs(problem), tuple(range(len(xs))))(*xs)
    parts = [[xp.tensordot(w, block, axes=w.ndim) for block in J[name]] for name, w in problem.cotangents.items()]
    return by_primals(problem, tuple(sum(by_output) for by_output in zip(*parts, strict=True)))


@in_jax("vjp", "linear_transpose")
def jax_linear_transpose(problem: Problem) -> Any:
    """The linearised program, transposed."""
    xs = primals(problem)
    push = jax.linearize(outputs(problem), *xs)[1]
    return by_primals(problem, jax.linear_transpose(push, *xs)(problem.cotangents))


@implements("vjp", "autograd_grad", "torch", tier="standard")
def autograd_grad(problem: Problem) -> Any:
    """`torch.autograd.grad` with all outputs and all cotangents."""
    xs = tuple(x.detach().requires_grad_() for x in primals(problem))
    found = outputs(problem)(*xs)
    weights = [problem.cotangents[name] for name in found]
    return by_primals(problem, torch.autograd.grad(list(found.values()), xs, weights, materialize_grads=True))


@implements("vjp", "backward", "torch")
def backward(problem: Problem) -> Any:
    """`.backward` of one output after the other: `.grad` accumulates them."""
    xs = tuple(x.clone().requires_grad_() for x in primals(problem))
    for name, output in outputs(problem)(*xs).items():
        output.backward(problem.cotangents[name], retain_graph=True)
    return by_primals(problem, tuple(torch.zeros_like(x) if x.grad is None else x.grad for x in xs))


@implements("vjp", "functional", "torch", tier="standard")
def functional(problem: Problem) -> Any:
    """`torch.autograd.functional.vjp`."""
    names = tuple(problem.cotangents)

    def f(*xs: Array) -> tuple[Array, ...]:
        return tuple(outputs(problem)(*xs)[name] for name in names)

    weights = tuple(problem.cotangents[name] for name in names)
    return by_primals(problem, torch.autograd.functional.vjp(f, primals(problem), weights)[1])
