"""laplace-torch 0.3 (Daxberger, Kristiadi, Immer and others 2021, "Laplace redux: effortless Bayesian deep learning").

Curvature is that of the negative log-likelihood, summed over examples: a squared error has its 1/2 and variance 1.
Each back end (BackPACK, curvlinops, ASDL, its own) is an implementation. The library demands `model.output_size`.
"""

from __future__ import annotations

from typing import Any

from xcheck._lazy import LazyModule
from xcheck.libraries._torch import (
    BACKPACK_REFUSES,
    Problem,
    Tensor,
    data,
    likelihood,
    loader,
    module,
    outputs,
    refusing,
)
from xcheck.quantity import implements
from xcheck.result import Convention

laplace = LazyModule("laplace")
NEEDS = ("module", "loss", "laplace")
#: loss = r * nll * (summed negative log-likelihood)
SUMMED = Convention(scale="1 / (r * nll)")
SQUARED = Convention(scale="1 / (r * nll**2)")
REFUSALS = (*BACKPACK_REFUSES, "ASDL produced no diagonal", "If some grad are switched off")
BACKENDS = {"backpack": "BackPack", "curvlinops": "Curvlinops", "asdl": "Asdl"}


def backend(problem: Problem, name: str) -> tuple[Any, Tensor, Tensor]:
    model = module(problem)
    (x, y), *_ = data(problem)
    model.output_size = outputs(problem)[-1]
    return getattr(laplace.curvature, name)(model, likelihood(problem)), x, y


def declare(name: str, prefix: str) -> None:
    """One back end: what its functions make of one batch, and what `Laplace.fit` keeps of a ragged data loader."""

    def of(quantity: str, convention: Convention, suffix: str = "") -> Any:
        register = implements(quantity, f"laplace_{name}{suffix}", "torch", needs=(*NEEDS, name), convention=convention)
        return lambda function: register(refusing(*REFUSALS)(function))

    @of("jacobian_params", Convention())
    def jacobian_params(problem: Problem) -> Tensor:
        found, x, _ = backend(problem, f"{prefix}GGN")
        return found.jacobians(x)[0]

    def matrix(quantity: str, kind: str, structure: str, convention: Convention) -> None:
        @of(quantity, convention)
        def batch(problem: Problem) -> Tensor:
            found, x, y = backend(problem, f"{prefix}{kind}")
            return getattr(found, structure)(x, y)[1]

        if kind == "GGN":

            @of(quantity, convention, "_fit")
            def fit(problem: Problem) -> Tensor:
                fitted = laplace.Laplace(
                    module(problem), likelihood(problem), subset_of_weights="all",
                    hessian_structure=structure, backend=getattr(laplace.curvature, f"{prefix}GGN"),
                )  # fmt: skip
                fitted.fit(loader(problem))
                return fitted.H

    matrix("ggn", "GGN", "full", SUMMED)
    matrix("ggn_diagonal", "GGN", "diag", SUMMED)
    matrix("empirical_fisher", "EF", "full", SQUARED)
    matrix("empirical_fisher_diagonal", "EF", "diag", SQUARED)
    if name != "backpack":
        matrix("hessian_params", "Hessian", "full", SUMMED)


for _name, _prefix in BACKENDS.items():
    declare(_name, _prefix)
