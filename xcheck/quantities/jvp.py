"""The product of the Jacobian with the case's tangent, in the tree and shape of the outputs."""

from __future__ import annotations

from typing import Any

from xcheck._lazy import jax, torch
from xcheck.quantities._along import bare, outputs, primals, tangents
from xcheck.quantities._linearize import linearize
from xcheck.quantities._native import Array, Problem, in_both, in_jax
from xcheck.quantity import Quantity, implements

JVP = Quantity(
    name="jvp",
    formula="J v, v the tangent of the parameters, or of all arguments where wrt names some",
    shape="n c",
    wrt="params",
    order=1,
    reference=lambda exact: exact.jvp(),
    guard=lambda probe, claimed: probe.jvp(claimed),
    flops=lambda s: 2 * s.forward,
    bytes=lambda s: s.itemsize * (s.n * s.c + 2 * s.p),
)


@in_both("jvp", "jvp", tier="smoke", compiled=True)
def forward(problem: Problem) -> Any:
    """Forward mode: one pass."""
    return bare(problem.transforms.jvp(outputs(problem), primals(problem), tangents(problem))[1])


@in_both("jvp", "double_vjp")
def double_vjp(problem: Problem) -> Any:
    """The pull-back is linear in its cotangent, and its own pull-back is `J v`."""
    transforms = problem.transforms
    found, pull = transforms.vjp(outputs(problem), *primals(problem))
    zeros = {name: problem.xp.zeros_like(output) for name, output in found.items()}
    _, push = transforms.vjp(pull, zeros)
    return bare(push(tangents(problem))[0])


@in_both("jvp", "full", needs=("dense",), tier="full")
def full(problem: Problem) -> Any:
    """The whole Jacobian, by reverse mode, times v."""
    xp, vs = problem.xp, tangents(problem)
    positions = tuple(range(len(vs)))
    J = problem.transforms.jacrev(outputs(problem), positions)(*primals(problem))

    def product(blocks: tuple[Array, ...]) -> Array:
        return sum(xp.tensordot(block, v, axes=v.ndim) for block, v in zip(blocks, vs, strict=True))

    return bare({name: product(blocks) for name, blocks in J.items()})


@in_jax("jvp", "linearize")
def jax_linearize(problem: Problem) -> Any:
    """The program linearised once, then applied to v."""
    return bare(jax.linearize(outputs(problem), *primals(problem))[1](*tangents(problem)))


@in_jax("jvp", "linear_transpose", tier="full")
def jax_linear_transpose(problem: Problem) -> Any:
    """`linear_transpose` of the pull-back."""
    found, pull = jax.vjp(outputs(problem), *primals(problem))
    return bare(jax.linear_transpose(pull, found)(tangents(problem))[0])


@implements("jvp", "linearize", "torch", tier="standard")
def torch_linearize(problem: Problem) -> Any:
    """The program linearised once, then applied to v."""
    return bare(linearize(outputs(problem), *primals(problem))(*tangents(problem)))


@implements("jvp", "dual_numbers", "torch")
def dual_numbers(problem: Problem) -> Any:
    """`torch.autograd.forward_ad`: tensors that carry their tangents."""
    forward_ad = torch.autograd.forward_ad
    with forward_ad.dual_level():
        duals = [forward_ad.make_dual(x, v) for x, v in zip(primals(problem), tangents(problem), strict=True)]
        pairs = {name: forward_ad.unpack_dual(output) for name, output in outputs(problem)(*duals).items()}
        # An output that the tangents do not reach has none.
        slopes = {k: torch.zeros_like(x) if v is None else v.clone() for k, (x, v) in pairs.items()}
    return bare(slopes)


@implements("jvp", "functional", "torch", tier="standard")
def functional(problem: Problem) -> Any:
    """`torch.autograd.functional.jvp`, which is the double-backward trick."""
    names = tuple(problem.cotangents)

    def f(*xs: Array) -> tuple[Array, ...]:
        return tuple(outputs(problem)(*xs)[name] for name in names)

    slopes = torch.autograd.functional.jvp(f, primals(problem), tangents(problem))[1]
    return bare(dict(zip(names, slopes, strict=True)))
