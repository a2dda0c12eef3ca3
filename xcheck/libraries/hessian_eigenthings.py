"""hessian-eigenthings 1.0.0a5 (Golmant, Yao, Gholami, Mahoney and Gonzalez 2018).

Operators are plain means over batches: the loss must be a mean, and batches of different sizes get equal weights.
"""

from __future__ import annotations

from typing import Any

from xcheck._lazy import LazyModule
from xcheck.libraries._torch import Problem, Tensor, criterion, data, matrix, module, ragged, reduced
from xcheck.quantity import implements
from xcheck.result import Convention

eigenthings = LazyModule("hessian_eigenthings")
NEEDS = ("module", "loss", "hessian_eigenthings")


def hessian_operator(problem: Problem, size: int | None = None) -> tuple[Any, float]:
    loss, k = reduced(problem, "mean")
    return eigenthings.HessianOperator(module(problem), data(problem, size), eigenthings.supervised_loss(loss)), k


def ggn_operator(problem: Problem) -> tuple[Any, float]:
    loss, k = criterion(problem)
    of_output = eigenthings.supervised_loss_of_output(loss)
    return eigenthings.GGNOperator(module(problem), data(problem), eigenthings.supervised_forward, of_output), k


@implements("hvp", "hessian_eigenthings", "torch", needs=NEEDS)
def hvp(problem: Problem) -> Tensor:
    A, k = hessian_operator(problem)
    return k * A.matvec(problem.tangents["params"]).detach()


@implements("hvp", "hessian_eigenthings_ragged", "torch", needs=NEEDS)
def hvp_ragged(problem: Problem) -> Tensor:
    A, k = hessian_operator(problem, ragged(problem))
    return k * A.matvec(problem.tangents["params"]).detach()


@implements("hessian_params", "hessian_eigenthings", "torch", needs=NEEDS)
def hessian_params(problem: Problem) -> Tensor:
    A, k = hessian_operator(problem)
    return k * matrix(A.matvec, problem)


@implements("ggn", "hessian_eigenthings", "torch", needs=NEEDS)
def ggn(problem: Problem) -> Tensor:
    A, k = ggn_operator(problem)
    return k * matrix(A.matvec, problem)


@implements("ggnvp", "hessian_eigenthings", "torch", needs=NEEDS)
def ggnvp(problem: Problem) -> Tensor:
    A, k = ggn_operator(problem)
    return k * A.matvec(problem.tangents["params"]).detach()


@implements("empirical_fisher", "hessian_eigenthings", "torch", needs=NEEDS, convention=Convention("r / n"))
def empirical_fisher(problem: Problem) -> Tensor:
    """`1/n sum_n grad l_n grad l_n^T`; the loss is that of one example."""
    loss, k = reduced(problem, "sum")

    def single(model: Any, example: Any) -> Tensor:
        x, y = example
        return k * loss(model(x[None]), y[None])

    return matrix(eigenthings.EmpiricalFisherOperator(module(problem), data(problem), single).matvec, problem)
