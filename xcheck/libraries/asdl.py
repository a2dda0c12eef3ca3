"""ASDL, released as asdfghjkl 0.1a4 (Osawa, Ishikawa, Yokota, Li and Hoefler 2023, "ASDL: a unified interface").

The Fisher is that of the summed negative log-likelihood, divided by `data_size`: 1 here.
"""

from __future__ import annotations

from typing import Any

from xcheck._lazy import LazyModule
from xcheck.libraries._known import AGAIN, GROUPED, LEFT_OUT, TWICE
from xcheck.libraries._torch import criterion, data, flat, likelihood, module
from xcheck.quantity import implements
from xcheck.result import Convention, Limitation

fishers = LazyModule("asdl.fisher")
hessians = LazyModule("asdl.hessian")
gradients = LazyModule("asdl.gradient")
Problem = Any
Tensor = Any
NEEDS = ("module", "loss", "asdl")
SUMMED = Convention(scale="1 / (r * nll)")
EMPTY = Limitation(
    "batch normalisation and embeddings have no diagonal", "docs/libraries.md", outcome="raised",
    case="batch_norm_*,embedding,rms_norm",
)  # fmt: skip
ATTENTION = Limitation(LEFT_OUT[1].reason, LEFT_OUT[1].link, outcome="wrong_shape", case="attention")
ROWS = (TWICE, AGAIN, *LEFT_OUT)
NEVER = Limitation("it reads an attribute that is never set", "docs/findings.md, 12", outcome="raised")


def fisher(problem: Problem, shape: str) -> Any:
    """The model with the exact Fisher of that shape in it."""
    model, ((x, _),) = module(problem), data(problem)
    loss_type = "cross_entropy" if likelihood(problem) == "classification" else "mse"
    config = fishers.FisherConfig(fisher_type="fisher_exact", fisher_shapes=[shape], loss_type=loss_type, data_size=1)
    maker = fishers.get_fisher_maker(model, config)
    maker.setup_model_call(model, x)
    maker.forward_and_backward()
    return model


@implements("ggn", "asdl", "torch", needs=NEEDS, convention=SUMMED, limitations=ROWS)
def ggn(problem: Problem) -> Tensor:
    return fisher(problem, "full").fisher.data


@implements(
    "ggn_diagonal", "asdl", "torch", needs=NEEDS, convention=SUMMED,
    limitations=(TWICE, AGAIN, GROUPED, EMPTY, *LEFT_OUT[1:]),
)  # fmt: skip
def ggn_diagonal(problem: Problem) -> Tensor:
    modules = [child for child in fisher(problem, "diag").modules() if hasattr(child, "fisher")]
    return flat(part for child in modules for part in (child.fisher.diag.weight, child.fisher.diag.bias))


def hessian(problem: Problem, shape: str) -> Any:
    (loss, _), model, ((x, y),) = criterion(problem), module(problem), data(problem)
    maker = hessians.HessianMaker(model, hessians.HessianConfig(hessian_shapes=[shape]))
    output = maker.setup_model_call(model, x)
    maker.setup_loss_call(loss, output, y)
    maker.forward_and_backward()
    return model


@implements("hessian_params", "asdl", "torch", needs=NEEDS)
def hessian_params(problem: Problem) -> Tensor:
    return criterion(problem)[1] * hessian(problem, "full").hessian.data


@implements("hessian_diagonal", "asdl", "torch", needs=NEEDS, limitations=(EMPTY, ATTENTION))
def hessian_diagonal(problem: Problem) -> Tensor:
    modules = [child for child in hessian(problem, "diag").modules() if hasattr(child, "hessian")]
    parts = flat(part for child in modules for part in (child.hessian.diag.weight, child.hessian.diag.bias))
    return criterion(problem)[1] * parts


@implements("jacobian_params", "asdl", "torch", needs=("module", "asdl"), limitations=(NEVER,))
def jacobian_params(problem: Problem) -> Tensor:
    return gradients.jacobian(module(problem), data(problem)[0][0])


@implements("per_example_gradients", "asdl", "torch", needs=NEEDS, limitations=ROWS)
def per_example_gradients(problem: Problem) -> Tensor:
    (loss, k), model, ((x, y),) = criterion(problem), module(problem), data(problem)
    return k * gradients.batch_gradient(model, lambda: loss(model(x), y).backward())
