"""laplax 0.0.2 (Weber, Mucsanyi, Rose and Hennig 2025, "laplax: Laplace approximations with JAX").

Sums over the examples; its squared error is `sum_c (f - y)^2`, so the loss Hessian is 2.
"""

from __future__ import annotations

from typing import Any

from xcheck._errors import Unsupported
from xcheck._lazy import LazyModule, jax
from xcheck.program import CrossEntropy, GaussianNLL, WeightedSum
from xcheck.quantity import implements
from xcheck.result import Convention

ggns = LazyModule("laplax.curv.ggn")
hessians = LazyModule("laplax.curv.hessian")
diagonals = LazyModule("laplax.curv.diagonal")
Problem = Any
Array = Any
NEEDS = ("single_output", "loss", "laplax")
SUMMED = Convention(scale="1 / r")


def product(problem: Problem, name: str) -> Any:
    """The library's product with a vector like theta (p,); it knows no noise variance."""
    loss = problem.case.loss
    if len(problem.inputs) > 1 or isinstance(loss, WeightedSum):
        raise Unsupported("laplax has models of one input, and no weighted sums")
    (x,) = problem.inputs
    create = {"ggn": ggns.create_ggn_mv, "hessian": hessians.create_hessian_mv}[name]

    def model(input: Array, params: Array) -> Array:
        return problem.f(problem.unflatten(params), input[None])[0]

    words = "cross_entropy" if isinstance(loss, CrossEntropy) else "mse"
    k = 1 / (2 * loss.noise_var) if isinstance(loss, GaussianNLL) else 1.0
    mv = create(model, problem.theta, {"input": x, "target": problem.targets}, loss_fn=words)
    return lambda v: k * mv(v)


def dense(problem: Problem, name: str) -> Array:
    return jax.vmap(product(problem, name))(problem.identity(problem.theta.shape[0])).T


@implements("ggn", "laplax", "jax", needs=NEEDS, convention=SUMMED)
def ggn(problem: Problem) -> Array:
    return dense(problem, "ggn")


@implements("ggnvp", "laplax", "jax", needs=NEEDS, convention=SUMMED)
def ggnvp(problem: Problem) -> Array:
    return product(problem, "ggn")(problem.tangents["params"])


@implements("hessian_params", "laplax", "jax", needs=NEEDS, convention=SUMMED)
def hessian_params(problem: Problem) -> Array:
    return dense(problem, "hessian")


@implements("hvp", "laplax", "jax", needs=NEEDS, convention=SUMMED)
def hvp(problem: Problem) -> Array:
    return product(problem, "hessian")(problem.tangents["params"])


@implements("ggn_diagonal", "laplax", "jax", needs=NEEDS, convention=SUMMED)
def ggn_diagonal(problem: Problem) -> Array:
    return diagonals.create_diagonal_curvature(product(problem, "ggn"), layout=problem.theta.shape[0])


@implements("hessian_diagonal", "laplax", "jax", needs=NEEDS, convention=SUMMED)
def hessian_diagonal(problem: Problem) -> Array:
    return diagonals.create_diagonal_curvature(product(problem, "hessian"), layout=problem.theta.shape[0])
