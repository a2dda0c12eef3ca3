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

curv = LazyModule("laplax.curv")
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
    create = {"ggn": curv.ggn.create_ggn_mv, "hessian": curv.hessian.create_hessian_mv}[name]

    def model(input: Array, params: Array) -> Array:
        return problem.f(problem.unflatten(params), input[None])[0]

    words = "cross_entropy" if isinstance(loss, CrossEntropy) else "mse"
    k = 1 / (2 * loss.noise_var) if isinstance(loss, GaussianNLL) else 1.0
    mv = create(model, problem.theta, {"input": x, "target": problem.targets}, loss_fn=words)
    return lambda v: k * mv(v)


def declare(name: str, *quantities: str) -> None:
    """The product as a matrix, as it is, and as a diagonal."""
    full, along, diagonal = (
        implements(quantity, "laplax", "jax", needs=(*NEEDS, *more), convention=SUMMED)
        for quantity, more in zip(quantities, ((), (), ("directions",)), strict=True)
    )

    @full
    def matrix(problem: Problem) -> Array:
        return jax.vmap(product(problem, name))(problem.identity(problem.theta.shape[0])).T

    @along
    def column(problem: Problem) -> Array:
        return product(problem, name)(problem.tangents["params"])

    @diagonal
    def entries(problem: Problem) -> Array:
        return curv.diagonal.create_diagonal_curvature(product(problem, name), layout=problem.theta.shape[0])


declare("ggn", "ggn", "ggnvp", "ggn_diagonal")
declare("hessian", "hessian_params", "hvp", "hessian_diagonal")
