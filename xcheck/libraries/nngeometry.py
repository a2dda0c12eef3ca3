"""NNGeometry 0.4 (George 2021, "NNGeometry: easy and fast Fisher information matrices and neural tangent kernels").

Fisher matrices are averaged over the data set, with variance 1; Jacobians are `(C, N, P)`, parameters layer by layer.
"""

from __future__ import annotations

from typing import Any

from xcheck._lazy import LazyModule, torch
from xcheck.libraries._torch import blocks, kronecker, likelihood, loader, module, reduced, refusing
from xcheck.quantity import implements
from xcheck.result import Convention

metrics = LazyModule("nngeometry.metrics")
jacobians = LazyModule("nngeometry.jacobian")
hessians = LazyModule("nngeometry.hessian")
pspace = LazyModule("nngeometry.object.pspace")
vectors = LazyModule("nngeometry.object.vector")
Problem = Any
Tensor = Any
NEEDS = ("module", "loss", "nngeometry")
REFUSALS = ("I do not know what to do with layer",)
MEAN = Convention(scale="1 / (n * r * nll)")


@refusing(*REFUSALS)
def fisher(problem: Problem, representation: str) -> Any:
    variant = "classif_logits" if likelihood(problem) == "classification" else "regression"
    return metrics.FIM(module(problem), loader(problem), getattr(pspace, representation), variant=variant)


@implements(
    "jacobian_params",
    "nngeometry",
    "torch",
    needs=("module", "nngeometry"),
    convention=Convention(axes="cnp"),
)
@refusing(*REFUSALS)
def jacobian_params(problem: Problem) -> Tensor:
    return jacobians.Jacobian(module(problem), loader(problem)).to_torch()


@implements("ggn", "nngeometry", "torch", needs=NEEDS, convention=MEAN)
def ggn(problem: Problem) -> Tensor:
    return fisher(problem, "PMatDense").to_torch()


@implements("ggn_diagonal", "nngeometry", "torch", needs=NEEDS, convention=MEAN)
def ggn_diagonal(problem: Problem) -> Tensor:
    return fisher(problem, "PMatDiag").get_diag()


@implements("hessian_params", "nngeometry", "torch", needs=NEEDS)
@refusing(*REFUSALS)
def hessian_params(problem: Problem) -> Tensor:
    """The function is the loss of a batch, by its output; batches are summed, so it must be a sum over examples."""
    model, (loss, k) = module(problem), reduced(problem, "sum")
    return k * hessians.Hessian(model, loader(problem), pspace.PMatDense, function=loss).to_torch()


@implements("ggn_blocks", "nngeometry", "torch", needs=NEEDS, convention=MEAN)
def ggn_blocks(problem: Problem) -> dict[str, Tensor]:
    """The blocks of the layers; the library's own `to_torch` would put them into a matrix of the default dtype."""
    return blocks(problem, torch.block_diag(*fisher(problem, "PMatBlockDiag").data.values()))


@implements("ggnvp", "nngeometry", "torch", needs=NEEDS, convention=MEAN)
def ggnvp(problem: Problem) -> Tensor:
    F = fisher(problem, "PMatImplicit")
    return F.mv(vectors.PVector(F.generator.layer_collection, problem.tangents["params"])).to_torch().detach()


@implements("kfac_factors", "nngeometry", "torch", needs=NEEDS)
def kfac_factors(problem: Problem) -> dict[str, Tensor]:
    """The root of the number of outputs stands in A and not in B; the last entry of A, a mean of ones, tells it."""
    scale = problem.case.n * problem.case.loss.nll / problem.case.loss.divisor(tuple(problem.targets.shape))
    return kronecker(
        {name: (A / A[-1, -1], scale * A[-1, -1] * B) for name, (A, B) in fisher(problem, "PMatKFAC").data.items()}
    )
