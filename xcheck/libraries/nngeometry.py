"""NNGeometry 0.4 (George 2021, "NNGeometry: easy and fast Fisher information matrices and neural tangent kernels").

Fisher matrices are averaged over the data set, with variance 1; Jacobians are `(C, N, P)`, parameters layer by layer.
"""

from __future__ import annotations

from typing import Any

from xcheck._lazy import LazyModule, torch
from xcheck.libraries._torch import likelihood, module, ragged, reduced
from xcheck.quantity import implements
from xcheck.result import Convention, Limitation

metrics = LazyModule("nngeometry.metrics")
jacobians = LazyModule("nngeometry.jacobian")
hessians = LazyModule("nngeometry.hessian")
pspace = LazyModule("nngeometry.object.pspace")
Problem = Any
Tensor = Any
AXES = Convention(axes="cnp")
NEEDS = ("module", "loss", "nngeometry")
TWICE = Limitation("a layer that is used twice", "docs/findings.md, 2", case="shared_linear")
#: `classif_logits` makes a triangular matrix of the default dtype.
CLASSIFIER = Limitation(
    "the Fisher of a float64 classifier raises", "docs/findings.md, 13", outcome="raised", dtype="float64",
    case="shared_linear,residual,*classifier*",
)  # fmt: skip
MEAN = Convention(scale="1 / (n * r * nll)")


def loader(problem: Problem) -> Any:
    examples = torch.utils.data.TensorDataset(*problem.inputs, problem.targets)
    return torch.utils.data.DataLoader(examples, batch_size=ragged(problem))


def fisher(problem: Problem, representation: str) -> Any:
    variant = "classif_logits" if likelihood(problem) == "classification" else "regression"
    return metrics.FIM(module(problem), loader(problem), getattr(pspace, representation), variant=variant)


@implements(
    "jacobian_params", "nngeometry", "torch", needs=("module", "nngeometry"), convention=AXES, limitations=(TWICE,)
)
def jacobian_params(problem: Problem) -> Tensor:
    return jacobians.Jacobian(module(problem), loader(problem)).to_torch()


@implements("ggn", "nngeometry", "torch", needs=NEEDS, convention=MEAN, limitations=(CLASSIFIER, TWICE))
def ggn(problem: Problem) -> Tensor:
    return fisher(problem, "PMatDense").to_torch()


@implements("ggn_diagonal", "nngeometry", "torch", needs=NEEDS, convention=MEAN, limitations=(CLASSIFIER, TWICE))
def ggn_diagonal(problem: Problem) -> Tensor:
    return fisher(problem, "PMatDiag").get_diag()


@implements("hessian_params", "nngeometry", "torch", needs=NEEDS)
def hessian_params(problem: Problem) -> Tensor:
    """The function is the loss of a batch, by its output; batches are summed, so it must be a sum over examples."""
    model, (loss, k) = module(problem), reduced(problem, "sum")
    return k * hessians.Hessian(model, loader(problem), pspace.PMatDense, function=loss).to_torch()
