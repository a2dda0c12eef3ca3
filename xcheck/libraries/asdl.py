"""ASDL, released as asdfghjkl 0.1a4 (Osawa, Ishikawa, Yokota, Li and Hoefler 2023, "ASDL: a unified interface").

The Fisher is that of the summed negative log-likelihood, divided by `data_size`: 1 here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xcheck._lazy import LazyModule
from xcheck.libraries._torch import Problem, Tensor, blocks, criterion, data, flat, likelihood, module
from xcheck.quantity import implements
from xcheck.result import Convention

asdl = LazyModule("asdl")
NEEDS = ("module", "loss", "asdl")


def fisher(problem: Problem, shape: str) -> list[Any]:
    """The exact Fisher of that shape: what the model holds, or each of its layers."""
    model, ((x, _),) = module(problem), data(problem)
    loss = "cross_entropy" if likelihood(problem) == "classification" else "mse"
    config = asdl.FisherConfig(fisher_type="fisher_exact", fisher_shapes=[shape], data_size=1, loss_type=loss)
    maker = asdl.get_fisher_maker(model, config)
    maker.setup_model_call(model, x)
    maker.forward_and_backward()
    return [child.fisher for child in model.modules() if hasattr(child, "fisher")]


def hessian(problem: Problem, shape: str) -> list[Any]:
    """The Hessian of that shape: what the model holds, or each of its layers."""
    (loss, k), model, ((x, y),) = criterion(problem), module(problem), data(problem)
    maker = asdl.HessianMaker(model, asdl.HessianConfig(hessian_shapes=[shape]))
    output = maker.setup_model_call(model, x)
    maker.setup_loss_call(lambda f, y: k * loss(f, y), output, y)
    maker.forward_and_backward()
    return [child.hessian for child in model.modules() if hasattr(child, "hessian")]


def declare(matrices: Callable[[Problem, str], list[Any]], convention: Convention, *quantities: str) -> None:
    """Its shapes: one matrix, the diagonals of the layers, the blocks of the layers."""
    full, diagonal, blockwise = (
        implements(quantity, "asdl", "torch", needs=NEEDS, convention=convention) for quantity in quantities
    )

    @full
    def matrix(problem: Problem) -> Tensor:
        return matrices(problem, "full")[0].data

    @diagonal
    def entries(problem: Problem) -> Tensor:
        layers = (one.diag for one in matrices(problem, "diag"))
        return flat(part for layer in layers for part in (layer.weight, layer.bias) if part is not None)

    @blockwise
    def layers(problem: Problem) -> dict[str, Tensor]:
        return blocks(problem, (one.data for one in matrices(problem, "layer_wise")))


declare(fisher, Convention(scale="1 / (r * nll)"), "ggn", "ggn_diagonal", "ggn_blocks")
declare(hessian, Convention(), "hessian_params", "hessian_diagonal", "hessian_blocks")


@implements("jacobian_params", "asdl", "torch", needs=("module", "asdl"))
def jacobian_params(problem: Problem) -> Tensor:
    return asdl.jacobian(module(problem), data(problem)[0][0])


@implements("per_example_gradients", "asdl", "torch", needs=NEEDS)
def per_example_gradients(problem: Problem) -> Tensor:
    (loss, k), model, ((x, y),) = criterion(problem), module(problem), data(problem)
    return k * asdl.batch_gradient(model, lambda: loss(model(x), y).backward())
