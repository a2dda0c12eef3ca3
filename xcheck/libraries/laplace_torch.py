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
    TWICE,
)  # fmt: skip
from xcheck.libraries._torch import data, likelihood, module, refusing
from xcheck.quantity import implements
from xcheck.result import Convention, Limitation

curvature = LazyModule("laplace.curvature")
Problem = Any
Tensor = Any
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
REFUSALS = (*BACKPACK_REFUSES, "ASDL produced no diagonal")
TOKEN = Limitation("a token that occurs twice", "docs/findings.md, 4", case="embedding")
FIRST = {"backpack": (REUSES, EMBEDDED, AGAIN), "curvlinops": (), "asdl": (TWICE, AGAIN, *LEFT_OUT)}
DIAGONALS = {"backpack": (REUSES, POOLED), "curvlinops": (), "asdl": (TWICE, AGAIN, GROUPED, TOKEN)}
EXACT = {"curvlinops": (*FLOAT32, *NORMS, GROUP_NORM), "asdl": ()}
GAPS = {**FIRST, "curvlinops": FLOAT32}
BACKENDS = {"backpack": "BackPack", "curvlinops": "Curvlinops", "asdl": "Asdl"}


def backend(problem: Problem, name: str) -> tuple[Any, Tensor, Tensor]:
    model = module(problem)
    (x, y), *_ = data(problem)
    model.output_size = problem.f(problem.params, x).shape[-1]
    return getattr(curvature, name)(model, likelihood(problem)), x, y


def declare(name: str, prefix: str) -> None:
    needs, gaps = (*NEEDS, name), GAPS[name]

    @implements("jacobian_params", f"laplace_{name}", "torch", needs=needs, limitations=FIRST[name])
    @refusing(*REFUSALS)
    def jacobian_params(problem: Problem) -> Tensor:
        found, x, _ = backend(problem, f"{prefix}GGN")
        return found.jacobians(x)[0]

    @implements("ggn", f"laplace_{name}", "torch", needs=needs, convention=SUMMED, limitations=gaps)
    @refusing(*REFUSALS)
    def ggn(problem: Problem) -> Tensor:
        found, x, y = backend(problem, f"{prefix}GGN")
        return found.full(x, y)[1]

    @implements("ggn_diagonal", f"laplace_{name}", "torch", needs=needs, convention=SUMMED, limitations=DIAGONALS[name])
    @refusing(*REFUSALS)
    def ggn_diagonal(problem: Problem) -> Tensor:
        found, x, y = backend(problem, f"{prefix}GGN")
        return found.diag(x, y)[1]

    @implements(
        "empirical_fisher", f"laplace_{name}", "torch", needs=needs, convention=SQUARED, limitations=(*gaps, DOUBLED)
    )
    @refusing(*REFUSALS)
    def empirical_fisher(problem: Problem) -> Tensor:
        found, x, y = backend(problem, f"{prefix}EF")
        return found.full(x, y)[1]

    if name != "backpack":

        @implements(
            "hessian_params", f"laplace_{name}", "torch", needs=needs, convention=SUMMED, limitations=EXACT[name]
        )
        def hessian_params(problem: Problem) -> Tensor:
            found, x, y = backend(problem, f"{prefix}Hessian")
            return found.full(x, y)[1]


for _name, _prefix in BACKENDS.items():
    declare(_name, _prefix)
