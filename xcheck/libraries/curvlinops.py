"""curvlinops 3 (Dangel, Eschenhagen, Ormaniec and others 2025, "Position: curvature matrices should be democratized").

Linear operators, scaled as the loss; data come in batches, here ragged ones, and are put together by the operator.
"""

from __future__ import annotations

from typing import Any

from xcheck._lazy import LazyModule
from xcheck.libraries._known import GROUP_NORM, NORMS
from xcheck.libraries._torch import blocks, criterion, data, module, ragged, trained
from xcheck.quantity import implements

curvlinops = LazyModule("curvlinops")
Problem = Any
Tensor = Any
NEEDS = ("module", "loss", "curvlinops")


def operator(problem: Problem, name: str, **options: Any) -> tuple[Any, float]:
    loss, k = criterion(problem)
    model = module(problem)
    # A case without a loss has no targets, which a Jacobian does not look at.
    batches = [(x, x if y is None else y) for x, y in data(problem, ragged(problem))]
    losses = () if "Jacobian" in name else (loss,)
    return getattr(curvlinops, name)(model, *losses, trained(model), batches, **options), k


def dense(problem: Problem, name: str, **options: Any) -> Tensor:
    A, k = operator(problem, name, **options)
    return k * (A @ problem.identity(A.shape[1])).detach()


@implements("hessian_params", "curvlinops", "torch", needs=NEEDS, limitations=(*NORMS, GROUP_NORM))
def hessian_params(problem: Problem) -> Tensor:
    return dense(problem, "HessianLinearOperator")


@implements("ggn", "curvlinops", "torch", needs=NEEDS)
def ggn(problem: Problem) -> Tensor:
    return dense(problem, "GGNLinearOperator")


@implements("hvp", "curvlinops", "torch", needs=NEEDS, limitations=(*NORMS, GROUP_NORM))
def hvp(problem: Problem) -> Tensor:
    A, k = operator(problem, "HessianLinearOperator")
    return k * (A @ problem.tangents["params"]).detach()


@implements("ggnvp", "curvlinops", "torch", needs=NEEDS)
def ggnvp(problem: Problem) -> Tensor:
    A, k = operator(problem, "GGNLinearOperator")
    return k * (A @ problem.tangents["params"]).detach()


@implements("hessian_blocks", "curvlinops", "torch", needs=NEEDS)
def hessian_blocks(problem: Problem) -> dict[str, Tensor]:
    """The block-diagonal operator with a block for each parameter array, cut apart."""
    return blocks(problem, dense(problem, "HessianLinearOperator", block_sizes=[1] * len(problem.params)))


@implements("gradient", "curvlinops", "torch", needs=NEEDS, limitations=NORMS[1:])
def gradient(problem: Problem) -> Tensor:
    A, k = operator(problem, "GGNLinearOperator")
    return k * problem.xp.concat([g.detach().flatten() for g in A.gradient_and_loss()[0]])


@implements("empirical_fisher", "curvlinops", "torch", needs=NEEDS)
def empirical_fisher(problem: Problem) -> Tensor:
    """`r sum g g^T`; a factor k in the loss is squared."""
    return criterion(problem)[1] * dense(problem, "EFLinearOperator")


@implements("jacobian_params", "curvlinops", "torch", needs=("module", "curvlinops"))
def jacobian_params(problem: Problem) -> Tensor:
    """`(N C, P)`: examples outside, outputs inside."""
    A, _ = operator(problem, "JacobianLinearOperator")
    return (A @ problem.identity(A.shape[1])).detach().reshape(problem.case.n, -1, A.shape[1])


@implements("jvp", "curvlinops", "torch", needs=("module", "curvlinops"))
def jvp(problem: Problem) -> Tensor:
    (w,) = problem.cotangents.values()
    A, _ = operator(problem, "JacobianLinearOperator")
    return (A @ problem.tangents["params"]).detach().reshape(w.shape)


@implements("vjp", "curvlinops", "torch", needs=("module", "curvlinops"))
def vjp(problem: Problem) -> Tensor:
    (w,) = problem.cotangents.values()
    A, _ = operator(problem, "TransposedJacobianLinearOperator")
    return (A @ w.flatten()).detach()
