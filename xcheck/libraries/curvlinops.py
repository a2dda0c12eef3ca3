"""curvlinops 3 (Dangel, Eschenhagen, Ormaniec and others 2025, "Position: curvature matrices should be democratized").

Linear operators, scaled as the loss; data come in batches, here ragged ones, and are put together by the operator.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xcheck._lazy import LazyModule
from xcheck.libraries._torch import Problem, Tensor, blocks, criterion, data, flat, kronecker, module, ragged, trained
from xcheck.quantity import implements

curvlinops = LazyModule("curvlinops")
NEEDS = ("loss", "module", "curvlinops")


def operator(problem: Problem, name: str, **options: Any) -> tuple[Any, float]:
    """The operator of that name, and the k of its loss."""
    (loss, k), model, batches = criterion(problem), module(problem), data(problem, ragged(problem))
    losses = () if "Jacobian" in name else (loss,)
    return getattr(curvlinops, name)(model, *losses, trained(model), batches, **options), k if losses else 1.0


def of(quantity: str, name: str) -> Callable[..., Any]:
    """Registers what an operator computes; its constructor, which tries it, is what a user calls once."""
    needs = NEEDS[1:] if "Jacobian" in name else NEEDS
    return implements(quantity, "curvlinops", "torch", needs=needs, prepare=lambda problem: operator(problem, name))


def product(problem: Problem, made: tuple[Any, float], v: Tensor | None = None) -> Tensor:
    """With v, or with all unit vectors; every product computes all anew."""
    A, k = made
    return k * (A @ (problem.identity(A.shape[1]) if v is None else v)).detach()


def along(problem: Problem, made: tuple[Any, float]) -> Tensor:
    return product(problem, made, problem.tangents["params"])


of("hessian_params", "HessianLinearOperator")(product)
of("hvp", "HessianLinearOperator")(along)
of("ggn", "GGNLinearOperator")(product)
of("ggnvp", "GGNLinearOperator")(along)


@implements("hessian_blocks", "curvlinops", "torch", needs=NEEDS)
def hessian_blocks(problem: Problem) -> dict[str, Tensor]:
    """The block-diagonal operator with a block for each parameter array, cut apart."""
    return blocks(
        problem,
        [product(problem, operator(problem, "HessianLinearOperator", block_sizes=[1] * len(problem.params)))],
    )


@of("gradient", "GGNLinearOperator")
def gradient(problem: Problem, made: tuple[Any, float]) -> Tensor:
    return made[1] * flat(made[0].gradient_and_loss()[0])


@of("empirical_fisher", "EFLinearOperator")
def empirical_fisher(problem: Problem, made: tuple[Any, float]) -> Tensor:
    """`r sum g g^T`; a factor k in the loss is squared."""
    return criterion(problem)[1] * product(problem, made)


@implements("kfac_factors", "curvlinops", "torch", needs=NEEDS)
def kfac_factors(problem: Problem) -> dict[str, Tensor]:
    """Without the check of the constructor, which makes the factors, too: made twice, they are doubled."""
    K, k = operator(
        problem, "KFACLinearOperator", fisher_type="type-2", separate_weight_and_bias=False, check_deterministic=False
    )
    K.compute_kronecker_factors()
    A, B = (K.state_dict()[f"{kind}_covariances"] for kind in ("input", "gradient"))
    return kronecker({layer: (A[layer], k * B[layer]) for layer in A})


@of("jacobian_params", "JacobianLinearOperator")
def jacobian_params(problem: Problem, made: tuple[Any, float]) -> Tensor:
    """`(N C, P)`: examples outside, outputs inside."""
    return product(problem, made).reshape(problem.case.n, -1, problem.theta.shape[0])


@of("jvp", "JacobianLinearOperator")
def jvp(problem: Problem, made: tuple[Any, float]) -> Tensor:
    return along(problem, made).reshape(problem.case.n, -1)


@of("vjp", "TransposedJacobianLinearOperator")
def vjp(problem: Problem, made: tuple[Any, float]) -> Tensor:
    return product(problem, made, flat(problem.cotangents.values()))
