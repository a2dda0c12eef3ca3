"""folx 0.2 (Gao, Köhler and Foster 2023, "folx: forward Laplacian for JAX"): Jacobians by inputs, and Laplacians."""

from __future__ import annotations

from typing import Any

from xcheck._lazy import LazyModule, jax
from xcheck.quantity import implements

folx = LazyModule("folx")
Problem = Any
Array = Any
NEEDS = ("single_output", "single_argument", "folx")


@implements("jacobian_inputs", "folx", "jax", needs=NEEDS)
def jacobian_inputs(problem: Problem) -> Array:
    """One example at a time: the Jacobian that its forward Laplacian carries along, inputs first."""
    (x,) = problem.inputs

    def example(one: Array) -> Array:
        return folx.forward_laplacian(lambda z: problem.f(problem.params, z[None])[0])(one).jacobian.dense_array

    J = jax.vmap(example)(x)
    return J.reshape(x.shape[0], J.shape[1], -1).swapaxes(1, 2)


@implements("hessian_trace", "folx", "jax", needs=("folx",))
def hessian_trace(problem: Problem) -> Array:
    """The forward Laplacian of the loss by all parameters."""
    return folx.forward_laplacian(problem.objective)(problem.theta).laplacian
