"""PyHessian 0.1 (Yao, Gholami, Keutzer and Mahoney 2020, "PyHessian: neural networks through the lens of the Hessian").

Batches are averaged with their sizes, so the loss must be a mean over examples.
"""

from __future__ import annotations

from typing import Any

from xcheck._lazy import LazyModule
from xcheck.libraries._torch import Problem, Tensor, criterion, data, flat, module, parts, ragged, reduced
from xcheck.quantity import implements

pyhessian = LazyModule("pyhessian")
NEEDS = ("module", "loss", "pyhessian")


@implements("hvp", "pyhessian", "torch", needs=NEEDS)
def hvp(problem: Problem) -> Tensor:
    """One batch: the library's own `hessian_vector_product` of the stored gradients, added to what was there."""
    (loss, k), model = criterion(problem), module(problem)
    model.zero_grad()
    found = pyhessian.hessian(model, loss, data=data(problem)[0], cuda=False)
    return k * flat(pyhessian.hessian_vector_product(found.gradsH, found.params, parts(problem, model)))


def of_loader(problem: Problem) -> tuple[Any, float]:
    loss, k = reduced(problem, "mean")
    batches = data(problem, ragged(problem))
    return pyhessian.hessian(module(problem), loss, dataloader=batches, cuda=False), k


@implements("hvp", "pyhessian_loader", "torch", needs=NEEDS, prepare=of_loader)
def hvp_of_loader(problem: Problem, made: tuple[Any, float]) -> Tensor:
    """Ragged batches: `dataloader_hv_product`, which the eigenvalues, trace and density of a data set go through."""
    found, k = made
    return k * flat(found.dataloader_hv_product(parts(problem, found.model))[1])
