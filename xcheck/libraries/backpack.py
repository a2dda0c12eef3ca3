"""BackPACK 1.7 (Dangel, Kunstner and Hennig 2020, "BackPACK: packing more into backprop").

Everything is scaled as the loss: per-sample gradients carry the 1/N of a mean.
"""

from __future__ import annotations

from collections.abc import Callable

from xcheck._lazy import LazyModule, torch
from xcheck.libraries._torch import (
    BACKPACK_REFUSES,
    Problem,
    Tensor,
    criterion,
    data,
    divisor,
    extended,
    flat,
    module,
    parts,
    refusing,
    trained,
)  # fmt: skip
from xcheck.quantity import implements

backpack = LazyModule("backpack")
hessianfree = LazyModule("backpack.hessianfree")
NEEDS = ("module", "loss", "backpack")


@refusing(*BACKPACK_REFUSES)
def run(problem: Problem, extension: str, collect: Callable[[Tensor], Tensor]) -> list[Tensor]:
    """What one extension leaves in the parameters, times k."""
    (loss, k), model, ((x, y),) = criterion(problem), extended(module(problem)), data(problem)
    model.zero_grad()
    with backpack.backpack(getattr(backpack.extensions, extension)()):
        extended(loss)(model(x), y).backward()
    return [k * collect(p) for p in trained(model)]


def collected(quantity: str, extension: str, field: str, lead: int = 0) -> None:
    """What an extension leaves in that field of every parameter."""

    @implements(quantity, "backpack", "torch", needs=NEEDS)
    def implementation(problem: Problem) -> Tensor:
        return flat(run(problem, extension, lambda p: getattr(p, field)), lead)


collected("gradient", "BatchGrad", "grad")
collected("per_example_gradients", "BatchGrad", "grad_batch", lead=1)
collected("ggn_diagonal", "DiagGGNExact", "diag_ggn_exact")
collected("hessian_diagonal", "DiagHessian", "diag_h")


def blocks(quantity: str, extension: str) -> None:
    """The product with each parameter array's block, applied to all unit vectors at once."""

    @implements(quantity, "backpack", "torch", needs=NEEDS)
    def implementation(problem: Problem) -> dict[str, Tensor]:
        def block(p: Tensor) -> Tensor:
            return getattr(p, extension.lower())(problem.identity(p.numel()).reshape(-1, *p.shape)).detach().flatten(1)

        return dict(zip(problem.params, run(problem, extension, block), strict=True))


blocks("ggn_blocks", "GGNMP")
blocks("hessian_blocks", "HMP")


@implements("empirical_fisher_diagonal", "backpack", "torch", needs=NEEDS)
def empirical_fisher_diagonal(problem: Problem) -> Tensor:
    """`sum_n (r g_n)^2`, divided by r; a factor k of the loss is squared."""
    squares = flat(run(problem, "SumGradSquared", lambda p: p.sum_grad_squared))
    return criterion(problem)[1] * divisor(problem) * squares


@implements("ggn", "backpack_sqrt", "torch", needs=NEEDS)
def ggn(problem: Problem) -> Tensor:
    """`sum_cn V V^T` of the square root V (C, N, ...) of the GGN."""
    V = flat(run(problem, "SqrtGGNExact", lambda p: p.sqrt_ggn_exact / criterion(problem)[1] ** 0.5), lead=2)
    return torch.einsum("cnp,cnq->pq", V, V)


@implements("hvp", "backpack", "torch", needs=NEEDS)
def hvp(problem: Problem) -> Tensor:
    (loss, k), model, ((x, y),) = criterion(problem), module(problem), data(problem)
    return k * flat(hessianfree.hvp.hessian_vector_product(loss(model(x), y), trained(model), parts(problem, model)))


@implements("ggnvp", "backpack", "torch", needs=NEEDS)
def ggnvp(problem: Problem) -> Tensor:
    (loss, k), model, ((x, y),) = criterion(problem), module(problem), data(problem)
    output = model(x)
    return k * flat(hessianfree.ggnvp.ggn_vector_product(loss(output, y), output, model, parts(problem, model)))
