"""curvlinops 3 (Dangel, Eschenhagen, Ormaniec and others 2025, "Position: curvature matrices should be democratized").

Linear operators, scaled as the loss; data come in batches, here ragged ones, and are put together by the operator.
"""

from __future__ import annotations

from typing import Any

from xcheck._lazy import LazyModule
from xcheck.libraries._torch import Problem, Tensor, blocks, criterion, data, flat, kronecker, module, ragged, trained
from xcheck.quantity import implements

curvlinops = LazyModule("curvlinops")
NEEDS = ("module", "loss", "curvlinops")


def operator(problem: Problem, name: str, **options: Any) -> tuple[Any, float]:
    """The operator of that name, and the k of its loss."""
    (loss, k), model, batches = criterion(problem), module(problem), data(problem, ragged(problem))
    losses = () if "Jacobian" in name else (loss,)
    return getattr(curvlinops, name)(model, *losses, trained(model), batches, **options), k if losses else 1.0


def product(problem: Problem, name: str, v: Tensor | None = None, **options: Any) -> Tensor:
    """With v, or with all unit vectors."""
    A, k = operator(problem, name, **options)
    return k * (A @ (problem.identity(A.shape[1]) if v is None else v)).detach()


def declare(name: str, matrix: str, vector: str) -> None:
    """An operator as the matrix of one quantity, and as the product with a vector of another."""

    @implements(matrix, "curvlinops", "torch", needs=NEEDS)
    def columns(problem: Problem) -> Tensor:
        return product(problem, name)

    @implements(vector, "curvlinops", "torch", needs=NEEDS)
    def column(problem: Problem) -> Tensor:
        return product(problem, name, problem.tangents["params"])


declare("HessianLinearOperator", "hessian_params", "hvp")
declare("GGNLinearOperator", "ggn", "ggnvp")


@implements("hessian_blocks", "curvlinops", "torch", needs=NEEDS)
def hessian_blocks(problem: Problem) -> dict[str, Tensor]:
    """The block-diagonal operator with a block for each parameter array, cut apart."""
    return blocks(problem, [product(problem, "HessianLinearOperator", block_sizes=[1] * len(problem.params))])


@implements("gradient", "curvlinops", "torch", needs=NEEDS)
def gradient(problem: Problem) -> Tensor:
    A, k = operator(problem, "GGNLinearOperator")
    return k * flat(A.gradient_and_loss()[0])


@implements("empirical_fisher", "curvlinops", "torch", needs=NEEDS)
def empirical_fisher(problem: Problem) -> Tensor:
    """`r sum g g^T`; a factor k in the loss is squared."""
    return criterion(problem)[1] * product(problem, "EFLinearOperator")


@implements("kfac_factors", "curvlinops", "torch", needs=NEEDS)
def kfac_factors(problem: Problem) -> dict[str, Tensor]:
    """Without the check of the constructor, which makes the factors, too: made twice, they are doubled."""
    K, k = operator(
        problem, "KFACLinearOperator", fisher_type="type-2", separate_weight_and_bias=False, check_deterministic=False
    )
    K.compute_kronecker_factors()
    A, B = (K.state_dict()[f"{kind}_covariances"] for kind in ("input", "gradient"))
    return kronecker({layer: (A[layer], k * B[layer]) for layer in A})


@implements("jacobian_params", "curvlinops", "torch", needs=("module", "curvlinops"))
def jacobian_params(problem: Problem) -> Tensor:
    """`(N C, P)`: examples outside, outputs inside."""
    return product(problem, "JacobianLinearOperator").reshape(problem.case.n, -1, problem.theta.shape[0])


@implements("jvp", "curvlinops", "torch", needs=("module", "curvlinops"))
def jvp(problem: Problem) -> Tensor:
    return product(problem, "JacobianLinearOperator", problem.tangents["params"]).reshape(problem.case.n, -1)


@implements("vjp", "curvlinops", "torch", needs=("module", "curvlinops"))
def vjp(problem: Problem) -> Tensor:
    return product(problem, "TransposedJacobianLinearOperator", flat(problem.cotangents.values()))
