"""posteriors 0.1 (Duffield, Donatella, Chiu and others 2024, "Scalable Bayesian learning with posteriors").

As the loss; flat results have the parameters in sorted order, since its trees are flattened by optree.
"""

from __future__ import annotations

from typing import Any

from xcheck.quantity import implements
from xcheck.result import Convention

Problem = Any
Tensor = Any
NEEDS = ("single_output", "loss", "posteriors")
SORTED = Convention(params="sorted")


def forward(problem: Problem) -> Any:
    return lambda params: problem.f(params, *problem.inputs)


def tangents(problem: Problem) -> Any:
    return problem.unflatten(problem.tangents["params"])


@implements("hvp", "posteriors", "torch", needs=NEEDS)
def hvp(problem: Problem) -> Tensor:
    from posteriors import hvp

    found = hvp(lambda p: problem.loss(forward(problem)(p)), (problem.params,), (tangents(problem),))
    return problem.flatten(found[1])


@implements("ggnvp", "posteriors", "torch", needs=NEEDS)
def ggnvp(problem: Problem) -> Tensor:
    from posteriors import ggnvp

    found = ggnvp(forward(problem), problem.loss, (problem.params,), (tangents(problem),))
    return problem.flatten(found[1])


@implements("ggn", "posteriors", "torch", needs=NEEDS, convention=SORTED)
def ggn(problem: Problem) -> Tensor:
    from posteriors import ggn

    return ggn(forward(problem), problem.loss)(problem.params)


@implements("ggn_diagonal", "posteriors", "torch", needs=NEEDS)
def ggn_diagonal(problem: Problem) -> Tensor:
    from posteriors import diag_ggn

    return problem.flatten(diag_ggn(forward(problem), problem.loss)(problem.params))


@implements("empirical_fisher", "posteriors", "torch", needs=NEEDS, convention=Convention("1 / r", params="sorted"))
def empirical_fisher(problem: Problem) -> Tensor:
    """`sum_n g g^T` of the per-example losses that it is handed."""
    from posteriors import empirical_fisher

    output = forward(problem)
    r = 1 / problem.case.loss.divisor(tuple(output(problem.params).shape))
    return empirical_fisher(lambda p: problem.losses(output(p), problem.targets) / r)(problem.params)
