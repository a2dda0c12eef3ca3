"""NNGeometry 0.4 (George 2021, "NNGeometry: easy and fast Fisher information matrices and neural tangent kernels").

Fisher matrices are averaged over the data set, with variance 1; Jacobians are `(C, N, P)`, parameters layer by layer.
"""

from __future__ import annotations

from typing import Any

from xcheck._lazy import LazyModule
from xcheck.libraries._torch import (
    Problem,
    Tensor,
    blocks,
    divisor,
    kronecker,
    likelihood,
    loader,
    module,
    reduced,
    refusing,
)  # fmt: skip
from xcheck.quantity import implements
from xcheck.result import Convention

nngeometry = LazyModule("nngeometry")
NEEDS = ("module", "loss", "nngeometry")
REFUSES = "I do not know what to do with layer"
MEAN = Convention(scale="1 / (n * r * nll)")


@refusing(REFUSES)
def fisher(problem: Problem, representation: str) -> Any:
    variant = "classif_logits" if likelihood(problem) == "classification" else "regression"
    kind = getattr(nngeometry.object, representation)
    return nngeometry.FIM(module(problem), loader(problem), kind, variant=variant)


@implements("jacobian_params", "nngeometry", "torch", needs=("module", "nngeometry"), convention=Convention(axes="cnp"))
@refusing(REFUSES)
def jacobian_params(problem: Problem) -> Tensor:
    return nngeometry.Jacobian(module(problem), loader(problem)).to_torch()


@implements("ggn", "nngeometry", "torch", needs=NEEDS, convention=MEAN)
def ggn(problem: Problem) -> Tensor:
    return fisher(problem, "PMatDense").to_torch()


@implements("ggn_diagonal", "nngeometry", "torch", needs=NEEDS, convention=MEAN)
def ggn_diagonal(problem: Problem) -> Tensor:
    return fisher(problem, "PMatDiag").get_diag()


@implements("hessian_params", "nngeometry", "torch", needs=NEEDS)
@refusing(REFUSES)
def hessian_params(problem: Problem) -> Tensor:
    """The function is the loss of a batch, by its output; batches are summed, so it must be a sum over examples."""
    model, (loss, k) = module(problem), reduced(problem, "sum")
    return k * nngeometry.Hessian(model, loader(problem), nngeometry.object.PMatDense, function=loss).to_torch()


@implements("ggn_blocks", "nngeometry", "torch", needs=NEEDS, convention=MEAN)
def ggn_blocks(problem: Problem) -> dict[str, Tensor]:
    """The blocks of the layers; the library's own `to_torch` would put them into a matrix of the default dtype."""
    return blocks(problem, fisher(problem, "PMatBlockDiag").data.values())


@implements("ggnvp", "nngeometry", "torch", needs=NEEDS, convention=MEAN)
def ggnvp(problem: Problem) -> Tensor:
    F = fisher(problem, "PMatImplicit")
    v = nngeometry.object.PVector(F.generator.layer_collection, problem.tangents["params"])
    return F.mv(v).to_torch().detach()


@implements("kfac_factors", "nngeometry", "torch", needs=NEEDS)
def kfac_factors(problem: Problem) -> dict[str, Tensor]:
    """The root of the number of outputs stands in A and not in B; the last entry of A, a mean of ones, tells it."""
    scale = problem.case.n * problem.case.loss.nll / divisor(problem)
    layers = fisher(problem, "PMatKFAC").data
    return kronecker({name: (A / A[-1, -1], scale * A[-1, -1] * B) for name, (A, B) in layers.items()})
