"""posteriors 0.1 (Duffield, Donatella, Chiu and others 2024, "Scalable Bayesian learning with posteriors").

As the loss; flat results have the parameters in sorted order, since its trees are flattened by optree.
"""

from __future__ import annotations

from typing import Any

from xcheck._lazy import LazyModule
from xcheck.quantity import implements
from xcheck.result import Convention

posteriors = LazyModule("posteriors")
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
    found = posteriors.hvp(lambda p: problem.loss(forward(problem)(p)), (problem.params,), (tangents(problem),))
    return problem.flatten(found[1])


@implements("ggnvp", "posteriors", "torch", needs=NEEDS)
def ggnvp(problem: Problem) -> Tensor:
    found = posteriors.ggnvp(forward(problem), problem.loss, (problem.params,), (tangents(problem),))
    return problem.flatten(found[1])


@implements("ggn", "posteriors", "torch", needs=NEEDS, convention=SORTED)
def ggn(problem: Problem) -> Tensor:
    return posteriors.ggn(forward(problem), problem.loss)(problem.params)


@implements("ggn_diagonal", "posteriors", "torch", needs=NEEDS)
def ggn_diagonal(problem: Problem) -> Tensor:
    return problem.flatten(posteriors.diag_ggn(forward(problem), problem.loss)(problem.params))


@implements("empirical_fisher", "posteriors", "torch", needs=NEEDS, convention=Convention("1 / r", params="sorted"))
def empirical_fisher(problem: Problem) -> Tensor:
    """`sum_n g g^T` of the per-example losses that it is handed."""
    output = forward(problem)
    r = 1 / problem.case.loss.divisor(tuple(output(problem.params).shape))
    return posteriors.empirical_fisher(lambda p: problem.losses(output(p), problem.targets) / r)(problem.params)
