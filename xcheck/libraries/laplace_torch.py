"""laplace-torch 0.3 (Daxberger, Kristiadi, Immer and others 2021, "Laplace redux: effortless Bayesian deep learning").

Curvature is that of the negative log-likelihood, summed over examples: a squared error has its 1/2 and variance 1.
Each back end (BackPACK, curvlinops, ASDL, its own) is an implementation. The library demands `model.output_size`.
"""

from __future__ import annotations

from typing import Any

from xcheck._lazy import LazyModule
from xcheck.libraries._known import (
    AGAIN,
    BACKPACK_REFUSES,
    EMBEDDED,
    GROUP_NORM,
    GROUPED,
    LEFT_OUT,
    NORMS,
    POOLED,
    REUSES,
    TOKEN,
    TWICE,
)  # fmt: skip
from xcheck.libraries._torch import data, likelihood, loader, module, refusing
from xcheck.quantity import implements
from xcheck.result import Convention, Limitation

laplace = LazyModule("laplace")
curvature = LazyModule("laplace.curvature")
Problem = Any
Tensor = Any
Gaps = tuple[Limitation, ...]
NEEDS = ("module", "loss", "laplace")
#: loss = r * nll * (summed negative log-likelihood)
SUMMED = Convention(scale="1 / (r * nll)")
SQUARED = Convention(scale="1 / (r * nll**2)")
#: `full` multiplies by a unit matrix of the default dtype; a model of small integers, `relu_at_kinks`, is exact in it.
NOT_KINKS = "[!r]*,r[!e]*,re[!l]*,relu"
FLOAT32 = tuple(
    Limitation(
        "float64 models are computed in float32",
        "docs/findings.md, 9",
        outcome=outcome,
        dtype="float64",
        case=NOT_KINKS,
    )
    for outcome in ("disagrees", "raised")
)
DOUBLED = Limitation(
    "doubled in a regression", "docs/findings.md, 6",
    case="linear_gaussian*,tanh_mlp,tanh_mlp_[at]*,tanh_mlp_regr*,td_semigradient,frozen_middle",
)  # fmt: skip
REFUSALS = (*BACKPACK_REFUSES, "ASDL produced no diagonal", "If some grad are switched off")
FROZEN = Limitation(
    "frozen parameters, in the BackPACK back end", "docs/findings.md, 20", outcome="raised", case="frozen_middle"
)
FIRST = {"backpack": (REUSES, EMBEDDED, AGAIN, FROZEN), "curvlinops": (), "asdl": (TWICE, AGAIN, *LEFT_OUT)}
DIAGONALS = {"backpack": (REUSES, POOLED, FROZEN), "curvlinops": (), "asdl": (TWICE, AGAIN, GROUPED, TOKEN)}
EXACT = {"curvlinops": (*FLOAT32, *NORMS, GROUP_NORM), "asdl": ()}
ADDED = Limitation(LEFT_OUT[1].reason, LEFT_OUT[1].link, outcome="raised", case="rms_norm")
GAPS = {**FIRST, "curvlinops": FLOAT32}
SQUARES = {**DIAGONALS, "backpack": FIRST["backpack"]}
BACKENDS = {"backpack": "BackPack", "curvlinops": "Curvlinops", "asdl": "Asdl"}


def backend(problem: Problem, name: str) -> tuple[Any, Tensor, Tensor]:
    model = module(problem)
    (x, y), *_ = data(problem)
    model.output_size = problem.f(problem.params, x).shape[-1]
    return getattr(curvature, name)(model, likelihood(problem)), x, y


def declare(name: str, prefix: str) -> None:
    """One back end: what its functions make of one batch, and what `Laplace.fit` keeps of a ragged data loader."""

    def of(quantity: str, convention: Convention, gaps: Gaps, suffix: str = "") -> Any:
        register = implements(
            quantity, f"laplace_{name}{suffix}", "torch", needs=(*NEEDS, name), convention=convention, limitations=gaps
        )
        return lambda function: register(refusing(*REFUSALS)(function))

    @of("jacobian_params", Convention(), FIRST[name])
    def jacobian_params(problem: Problem) -> Tensor:
        found, x, _ = backend(problem, f"{prefix}GGN")
        return found.jacobians(x)[0]

    def matrix(quantity: str, kind: str, structure: str, convention: Convention, gaps: Gaps, fits: Gaps = ()) -> None:
        @of(quantity, convention, gaps)
        def batch(problem: Problem) -> Tensor:
            found, x, y = backend(problem, f"{prefix}{kind}")
            return getattr(found, structure)(x, y)[1]

        if kind == "GGN":

            @of(quantity, convention, (*gaps, *fits), "_fit")
            def fit(problem: Problem) -> Tensor:
                fitted = laplace.Laplace(
                    module(problem), likelihood(problem), subset_of_weights="all",
                    hessian_structure=structure, backend=getattr(curvature, f"{prefix}GGN"),
                )  # fmt: skip
                fitted.fit(loader(problem))
                return fitted.H

    matrix("ggn", "GGN", "full", SUMMED, GAPS[name], (ADDED,) if name == "asdl" else ())
    matrix("ggn_diagonal", "GGN", "diag", SUMMED, DIAGONALS[name])
    matrix("empirical_fisher", "EF", "full", SQUARED, (*GAPS[name], DOUBLED))
    matrix("empirical_fisher_diagonal", "EF", "diag", SQUARED, (*SQUARES[name], DOUBLED))
    if name != "backpack":
        matrix("hessian_params", "Hessian", "full", SUMMED, EXACT[name])


for _name, _prefix in BACKENDS.items():
    declare(_name, _prefix)
