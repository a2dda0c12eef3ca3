"""The trace of the Hessian of the loss."""

from __future__ import annotations

from xcheck.quantities import hessian_diagonal
from xcheck.quantities._native import Array, Problem, in_both, in_jax
from xcheck.quantities.hessian_blocks import forward_over_reverse
from xcheck.quantity import Quantity, implements

HESSIAN_TRACE = Quantity(
    name="hessian_trace",
    formula="tr H = sum_p d^2 L / d theta_p^2",
    shape="",
    wrt="params",
    order=2,
    reference=lambda exact: {"": exact.hessian_trace()},
    guard=lambda probe, claimed: probe.hessian_trace(claimed[""]),
    flops=lambda s: 2 * s.forward,
    bytes=lambda s: s.itemsize * s.p,
    needs_loss=True,
)


@in_both("hessian_trace", "full", needs=("dense",), tier="smoke", compiled=True)
def full(problem: Problem) -> Array:
    """The trace of the whole Hessian."""
    return problem.xp.linalg.trace(problem.transforms.hessian(problem.objective)(problem.theta))


@in_both("hessian_trace", "hvps")
def hvps(problem: Problem) -> Array:
    """The sum of `e_i . H e_i`, by forward over reverse."""
    return problem.xp.sum(hessian_diagonal.hvps(problem))


@in_both("hessian_trace", "forward_over_forward")
def forward_over_forward(problem: Problem) -> Array:
    """The sum of `d^2 L(theta + t e_i) / d t^2`."""
    return problem.xp.sum(hessian_diagonal.forward_over_forward(problem))


@in_both("hessian_trace", "blocks", needs=("dense",), tier="full")
def blocks(problem: Problem) -> Array:
    """The sum of the traces of the diagonal blocks."""
    trace = problem.xp.linalg.trace
    return sum(trace(block) for block in forward_over_reverse(problem).values())


@implements("hessian_trace", "loop", "torch", tier="standard")
def torch_loop(problem: Problem) -> Array:
    """The sum of entry i of the derivative of entry i of the gradient, one after the other."""
    return hessian_diagonal.torch_loop(problem).sum()


@in_jax("hessian_trace", "loop", tier="full")
def jax_loop(problem: Problem) -> Array:
    """The sum of `e_i . H e_i` by reverse over reverse, one after the other."""
    return hessian_diagonal.jax_loop(problem).sum()
