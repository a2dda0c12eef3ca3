"""The Hessian of the outputs by the inputs, per example."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xcheck._lazy import jax, torch
from xcheck.quantities._native import LAYER_NORM, Array, Problem, entries, example, in_both, in_jax, tree
from xcheck.quantity import Quantity, implements

HESSIAN_INPUTS = Quantity(
    name="hessian_inputs",
    formula="H[n, c, d, e] = d^2 f_c(theta, x_n) / d x_nd d x_ne",
    shape="n c d d",
    wrt="inputs",
    order=2,
    reference=lambda exact: exact.hessian_inputs(),
    guard=lambda probe, claimed: probe.hessian_inputs(claimed),
    flops=lambda s: s.n * s.c * s.d * (s.d + 1) / 2,
    bytes=lambda s: s.itemsize * s.n * s.c * s.d**2,
)


Program = Callable[..., dict[str, Array]]


def _by_argument(problem: Problem, second: Callable[[Program], Callable[..., dict[str, Array]]], over: Any) -> Any:
    """`second` of one example's outputs (c,) by each of its arguments (d,), over all examples: (n, c, d, d)."""
    xp = problem.xp

    def blocks(position: int) -> dict[str, Array]:
        x = problem.inputs[position]

        def f(entries: Array, *inputs: Array) -> dict[str, Array]:
            inputs = (*inputs[:position], xp.reshape(entries, x.shape[1:]), *inputs[position + 1 :])
            return example(problem)(problem.params, *inputs)

        return over(second(f))(xp.reshape(x, (x.shape[0], -1)), *problem.inputs)

    parts = {problem.case.arguments[k]: blocks(position) for k, position in enumerate(problem.argnums)}
    return tree({name: {argument: part[name] for argument, part in parts.items()} for name in problem.cotangents})


@in_both("hessian_inputs", "forward_over_reverse", needs=("examples",), tier="smoke", compiled=True)
def forward_over_reverse(problem: Problem) -> Any:
    """`jacfwd(jacrev(f))`, which both frameworks call `hessian`, example by example."""
    return _by_argument(problem, problem.transforms.hessian, problem.transforms.vmap)


@in_both("hessian_inputs", "reverse_over_forward", needs=("examples",), torch_limitations=(LAYER_NORM,))
def reverse_over_forward(problem: Problem) -> Any:
    """`jacrev(jacfwd(f))`, example by example."""
    transforms = problem.transforms
    return _by_argument(problem, lambda f: transforms.jacrev(transforms.jacfwd(f)), transforms.vmap)


@in_both("hessian_inputs", "reverse_over_reverse", needs=("examples",))
def reverse_over_reverse(problem: Problem) -> Any:
    """`jacrev(jacrev(f))`, example by example."""
    transforms = problem.transforms
    return _by_argument(problem, lambda f: transforms.jacrev(transforms.jacrev(f)), transforms.vmap)


@in_both("hessian_inputs", "forward_over_forward", needs=("examples",), tier="full", torch_limitations=(LAYER_NORM,))
def forward_over_forward(problem: Problem) -> Any:
    """`jacfwd(jacfwd(f))`, example by example."""
    transforms = problem.transforms
    return _by_argument(problem, lambda f: transforms.jacfwd(transforms.jacfwd(f)), transforms.vmap)


@in_jax("hessian_inputs", "loop", needs=("examples",), tier="full")
def jax_loop(problem: Problem) -> Any:
    """`hessian`, one example after the other."""
    return _by_argument(problem, jax.hessian, lambda one: lambda *rows: jax.lax.map(lambda row: one(*row), rows))


@implements("hessian_inputs", "loop", "torch", needs=("examples",), tier="standard")
def torch_loop(problem: Problem) -> Any:
    """`autograd.grad` twice, summed over the examples, since no example looks at another."""
    found: dict[str, dict[str, Array]] = {}
    for argument, position in zip(problem.arguments, problem.argnums, strict=True):
        x = problem.inputs[position].detach().requires_grad_()
        inputs = (*problem.inputs[:position], x, *problem.inputs[position + 1 :])
        for name, output in problem.outputs(problem.params, *inputs).items():
            rows = [_second(y, x) for y in entries(output.reshape(output.shape[0], -1).sum(dim=0))]
            found.setdefault(name, {})[argument] = torch.stack(rows, dim=1)
    return tree(found)


def _second(y: Array, x: Array) -> Array:
    """`d^2 y / d x_nd d x_ne` (n, d, d)."""
    (slope,) = torch.autograd.grad(y, x, create_graph=True, materialize_grads=True)
    slopes = slope.reshape(len(x), -1).sum(dim=0)
    if not slopes.requires_grad:  # y is linear in x
        return x.new_zeros(len(x), len(slopes), len(slopes))
    rows = [torch.autograd.grad(s, x, retain_graph=True, materialize_grads=True)[0] for s in entries(slopes)]
    return torch.stack([row.reshape(len(x), -1) for row in rows], dim=1)
