"""PyHessian 0.1 (Yao, Gholami, Keutzer and Mahoney 2020, "PyHessian: neural networks through the lens of the Hessian").

Batches are averaged with their sizes, so the loss must be a mean over examples.
"""

from __future__ import annotations

from xcheck._lazy import LazyModule
from xcheck.libraries._torch import Problem, Tensor, criterion, data, flat, module, parts, ragged, reduced
from xcheck.quantity import implements

pyhessian = LazyModule("pyhessian")
NEEDS = ("module", "loss", "pyhessian")


@implements("hvp", "pyhessian", "torch", needs=NEEDS)
def hvp(problem: Problem) -> Tensor:
    """One batch: the library's own `hessian_vector_product` of the stored gradients."""
    loss, k = criterion(problem)
    model = module(problem)
    found = pyhessian.hessian(model, loss, data=data(problem)[0], cuda=False)
    return k * flat(pyhessian.hessian_vector_product(found.gradsH, found.params, parts(problem, model)))


@implements("hvp", "pyhessian_loader", "torch", needs=NEEDS)
def hvp_of_loader(problem: Problem) -> Tensor:
    """Ragged batches: `dataloader_hv_product`, which the eigenvalues, trace and density of a data set go through."""
    loss, k = reduced(problem, "mean")
    model = module(problem)
    batches = data(problem, ragged(problem))
    found = pyhessian.hessian(model, loss, dataloader=batches, cuda=False)
    return k * flat(found.dataloader_hv_product(parts(problem, model))[1])
