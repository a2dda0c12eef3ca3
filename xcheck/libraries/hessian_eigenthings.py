"""hessian-eigenthings 1.0.0a5 (Golmant, Yao, Gholami, Mahoney and Gonzalez 2018).

Operators are plain means over batches; one batch is the loss itself.
"""

from __future__ import annotations

from typing import Any

from xcheck.libraries._torch import criterion, data, matrix, module
from xcheck.quantity import implements

Problem = Any
Tensor = Any
NEEDS = ("module", "loss", "hessian_eigenthings")


def hessian_operator(problem: Problem, size: int | None = None) -> tuple[Any, float]:
    from hessian_eigenthings.loss_fns import supervised_loss
    from hessian_eigenthings.operators import HessianOperator

    loss, k = criterion(problem)
    return HessianOperator(module(problem), data(problem, size), supervised_loss(loss)), k


def ggn_operator(problem: Problem) -> tuple[Any, float]:
    from hessian_eigenthings.loss_fns import supervised_forward, supervised_loss_of_output
    from hessian_eigenthings.operators import GGNOperator

    loss, k = criterion(problem)
    return GGNOperator(module(problem), data(problem), supervised_forward, supervised_loss_of_output(loss)), k


@implements("hvp", "hessian_eigenthings", "torch", needs=NEEDS)
def hvp(problem: Problem) -> Tensor:
    A, k = hessian_operator(problem)
    return k * A.matvec(problem.tangents["params"]).detach()


@implements("hvp", "hessian_eigenthings_ragged", "torch", needs=NEEDS)
def hvp_ragged(problem: Problem) -> Tensor:
    A, k = hessian_operator(problem, max(1, round(0.3 * problem.case.n)))
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
