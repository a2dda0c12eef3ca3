"""kfac-jax 0.0.8 (Botev and Martens 2022, "KFAC-JAX"); it needs JAX 0.9 or older, so an environment of its own.

The product with the GGN is that of the registered losses, summed and divided by the batch size; a registered squared
error has no 1/2, as a normal likelihood of variance 1/2, so the variance is given.
"""

from __future__ import annotations

from typing import Any

from xcheck._errors import Unsupported
from xcheck._lazy import LazyModule
from xcheck.program import CrossEntropy, WeightedSum
from xcheck.quantity import implements
from xcheck.result import Convention

kfac_jax = LazyModule("kfac_jax")
Problem = Any
Array = Any
NEEDS = ("single_output", "loss", "kfac_jax")
MEAN = Convention(scale="1 / (n * r * nll)")


def products(problem: Problem) -> Any:
    """The implicit curvature of the model's registered loss."""
    if len(problem.inputs) > 1 or isinstance(problem.case.loss, WeightedSum):
        raise Unsupported("the adapter registers models of one input, and no weighted sums")

    def objective(params: Any, batch: Any) -> Array:
        x, y = batch
        output = problem.f(params, x)
        if isinstance(problem.case.loss, CrossEntropy):
            kfac_jax.register_softmax_cross_entropy_loss(output, y)
        else:
            kfac_jax.register_normal_predictive_distribution(output, y, variance=1.0)
        return problem.loss(output)

    return kfac_jax.ImplicitExactCurvature(objective, params_index=0, batch_size_extractor=lambda batch: len(batch[0]))


@implements("ggnvp", "kfac_jax", "jax", needs=NEEDS, convention=MEAN)
def ggnvp(problem: Problem) -> Array:
    arguments = (problem.params, (problem.inputs[0], problem.targets))
    vector = problem.unflatten(problem.tangents["params"])
    return problem.flatten(products(problem).multiply_ggn(arguments, vector))


@implements("hvp", "kfac_jax", "jax", needs=NEEDS, convention=MEAN)
def hvp(problem: Problem) -> Array:
    arguments = (problem.params, (problem.inputs[0], problem.targets))
    vector = problem.unflatten(problem.tangents["params"])
    return problem.flatten(products(problem).multiply_hessian(arguments, vector))
