"""nnj (Miani and others 2023; GitHub: IlMioFrizzantinoAmabile/nnj; not on PyPI): Jacobian products layer by layer.

Per example, batch first; each layer's weight row-major, then its bias. Losses are log-likelihoods, so the GGN is
negative.
"""

from __future__ import annotations

from typing import Any

from xcheck._errors import Unsupported
from xcheck._lazy import LazyModule, torch
from xcheck.libraries._torch import Problem, Tensor, data, likelihood, module
from xcheck.quantity import implements
from xcheck.result import Convention

nnj = LazyModule("nnj")
NEEDS = ("module", "nnj")


def converted(problem: Problem) -> Any:
    model = module(problem)
    return nnj.convert_to_nnj(model if isinstance(model, torch.nn.Sequential) else torch.nn.Sequential(model))


@implements("jacobian_params", "nnj", "torch", needs=NEEDS)
def jacobian_params(problem: Problem) -> Tensor:
    return converted(problem).jacobian(data(problem)[0][0], wrt="weight")


@implements("jacobian_inputs", "nnj", "torch", needs=NEEDS)
def jacobian_inputs(problem: Problem) -> Tensor:
    return converted(problem).jacobian(data(problem)[0][0], wrt="input")


def log_gaussian(problem: Problem, **options: str) -> tuple[Any, Tensor, Tensor, Any]:
    if likelihood(problem) == "classification":
        raise Unsupported("nnj has Gaussian and Bernoulli likelihoods only")
    ((x, y),) = data(problem)
    return nnj.LogGaussian(aggregate_batch="sum", **options), x, y, converted(problem)


@implements("ggn_diagonal", "nnj", "torch", needs=(*NEEDS, "loss"), convention=Convention(scale="-1 / (r * nll)"))
def ggn_diagonal(problem: Problem) -> Tensor:
    loss, x, y, model = log_gaussian(problem, metric_shape="diag")
    return loss.ggn(x, model, y)


@implements("gradient", "nnj", "torch", needs=(*NEEDS, "loss"), convention=Convention(scale="-1 / (r * nll)"))
def gradient(problem: Problem) -> Tensor:
    loss, x, y, model = log_gaussian(problem)
    return loss.gradient(x, model, y)
