"""ASDL, released as asdfghjkl 0.1a4 (Osawa, Ishikawa, Yokota, Li and Hoefler 2023, "ASDL: a unified interface").

The Fisher is that of the summed negative log-likelihood, divided by `data_size`: 1 here.
"""

from __future__ import annotations

from typing import Any

from xcheck._lazy import LazyModule, torch
from xcheck.libraries._torch import blocks, criterion, data, flat, likelihood, module
from xcheck.quantity import implements
from xcheck.result import Convention

fishers = LazyModule("asdl.fisher")
hessians = LazyModule("asdl.hessian")
gradients = LazyModule("asdl.gradient")
Problem = Any
Tensor = Any
NEEDS = ("module", "loss", "asdl")
SUMMED = Convention(scale="1 / (r * nll)")


def fisher(problem: Problem, shape: str) -> Any:
    """The model with the exact Fisher of that shape in it."""
    model, ((x, _),) = module(problem), data(problem)
    maker = fishers.get_fisher_maker(
        model,
        fishers.FisherConfig(
            fisher_type="fisher_exact", fisher_shapes=[shape], data_size=1,
            loss_type="cross_entropy" if likelihood(problem) == "classification" else "mse",
        ),
    )  # fmt: skip
    maker.setup_model_call(model, x)
    maker.forward_and_backward()
    return model


def attached(model: Any, name: str) -> list[Any]:
    return [getattr(child, name) for child in model.modules() if hasattr(child, name)]


def diagonal(model: Any, name: str) -> Tensor:
    return flat(part for one in attached(model, name) for part in (one.diag.weight, one.diag.bias) if part is not None)


@implements("ggn", "asdl", "torch", needs=NEEDS, convention=SUMMED)
def ggn(problem: Problem) -> Tensor:
    return fisher(problem, "full").fisher.data


@implements("ggn_diagonal", "asdl", "torch", needs=NEEDS, convention=SUMMED)
def ggn_diagonal(problem: Problem) -> Tensor:
    return diagonal(fisher(problem, "diag"), "fisher")


@implements("ggn_blocks", "asdl", "torch", needs=NEEDS, convention=SUMMED)
def ggn_blocks(problem: Problem) -> dict[str, Tensor]:
    return blocks(problem, torch.block_diag(*(F.data for F in attached(fisher(problem, "layer_wise"), "fisher"))))


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


@implements("hessian_diagonal", "asdl", "torch", needs=NEEDS)
def hessian_diagonal(problem: Problem) -> Tensor:
    return criterion(problem)[1] * diagonal(hessian(problem, "diag"), "hessian")


@implements("hessian_blocks", "asdl", "torch", needs=NEEDS)
def hessian_blocks(problem: Problem) -> dict[str, Tensor]:
    layers = (H.data for H in attached(hessian(problem, "layer_wise"), "hessian"))
    return blocks(problem, criterion(problem)[1] * torch.block_diag(*layers))


@implements("jacobian_params", "asdl", "torch", needs=("module", "asdl"))
def jacobian_params(problem: Problem) -> Tensor:
    return gradients.jacobian(module(problem), data(problem)[0][0])


@implements("per_example_gradients", "asdl", "torch", needs=NEEDS)
def per_example_gradients(problem: Problem) -> Tensor:
    (loss, k), model, ((x, y),) = criterion(problem), module(problem), data(problem)
    return k * gradients.batch_gradient(model, lambda: loss(model(x), y).backward())
