"""execute: one implementation at one problem, with its variant and the precision that the dtype asks for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from time import perf_counter
from typing import Any

import numpy as np

from xcheck._errors import Unsupported
from xcheck._lazy import installed
from xcheck._problem import Problem, adapter
from xcheck.case import Case
from xcheck.exact.evaluate import Evaluation
from xcheck.exact.monte_carlo import MonteCarlo
from xcheck.quantity import Implementation
from xcheck.result import matches


@dataclass(frozen=True)
class Execution:
    """A native result, and the seconds that its preparation and its run took, compilation included."""

    result: Any
    seconds: dict[str, float]


def execute(problem: Problem, implementation: Implementation, *, quick: bool = False) -> Execution:
    """Runs an implementation as its registration says; `quick` compiles it with the compiler's least effort.

    Raises:
        Unsupported: it does not apply to this problem; the message says why.
    """
    reason = unmet(problem, implementation)
    if reason:
        raise Unsupported(reason)
    native = adapter(problem.framework)
    run = native.wrap(implementation.function, implementation.variant, quick)
    with problem.precision():
        start = perf_counter()
        prepared = () if implementation.prepare is None else (implementation.prepare(problem),)
        ready = perf_counter()
        result = native.synchronise(run(problem, *prepared))
        return Execution(result, {"prepare": ready - start, "run": perf_counter() - ready})


#: A case of more parameters is asked for products, diagonals and rows.
DENSE = 10**6
#: What maps over all unit vectors at once holds as many outputs, or tangents of the parameters.
DIRECTIONS = 10**4

_NEEDS: dict[str, tuple[Callable[[Problem], bool], str]] = {
    "loss": (lambda problem: problem.case.loss is not None, "has no loss"),
    "module": (lambda problem: problem.module is not None, "is no torch.nn.Module"),
    "single_output": (lambda problem: len(problem.cotangents) == 1, "has several outputs"),
    "single_argument": (lambda problem: len(problem.arguments) == 1, "is differentiated by several arguments"),
    "dense": (lambda problem: problem.case.p**2 <= DENSE, f"has a p x p matrix of more than {DENSE} entries"),
    "directions": (
        lambda problem: problem.case.p <= DIRECTIONS,
        f"has more than {DIRECTIONS} parameters",
    ),
    "examples": (lambda problem: independent(problem.case), "has outputs that depend on several examples"),
    "aux": (lambda problem: bool(_aux(problem)), "returns no aux"),
}


def unmet(problem: Problem, implementation: Implementation) -> str | None:
    """Why an implementation does not apply to a problem, in one line; None if it does."""
    case = problem.case.name
    if implementation.framework != problem.framework:
        return f"{implementation.name} is written for {implementation.framework}"
    if not matches(case, implementation.cases):
        return f"{implementation.name} is for the cases {implementation.cases} only"
    absent = missing_package(implementation)
    if absent:
        return absent
    needs = (*implementation.needs, *(("loss",) if problem.quantity.needs_loss else ()))
    for need in needs:
        if need not in _NEEDS:
            continue
        met, lack = _NEEDS[need]
        if not met(problem):
            return f"{implementation.name} does not apply: case {case} {lack}"
    return None


def missing_framework(framework: str) -> str | None:
    """That a framework is not installed, and the extra that brings it, in one line; None if it is there."""
    return None if installed(framework) else f"{framework} is not installed: pip install 'xcheck[{framework}]'"


def missing_package(implementation: Implementation) -> str | None:
    """Which package an implementation lacks here, in one line; None if it has all."""
    for need in implementation.needs:
        if need not in _NEEDS and not installed(need):
            return f"{implementation.name} needs the package {need}, which is not installed"
    return None


def _aux(problem: Problem) -> dict[str, Any]:
    with problem.precision():
        return problem.outputs_and_aux(problem.params, *problem.inputs)[1]


@lru_cache(maxsize=64)
def independent(case: Case) -> bool:
    """Whether one example can be computed without the others: alone it has one row of output, and no output of it
    turns to NaN where every other example does."""
    exact = Evaluation(case)
    alg = MonteCarlo(noise=0.0)

    def outputs(change: Callable[[np.ndarray], np.ndarray]) -> list[np.ndarray]:
        inputs = {name: change(values) for name, values in exact.values.inputs.items()}
        with np.errstate(invalid="ignore"):
            found, _ = exact.run(alg, exact.constants(alg, exact.values.params), exact.constants(alg, inputs))
        return list(found.values())

    def others_lost(values: np.ndarray) -> np.ndarray:
        if values.dtype.kind != "f":
            return values
        return np.concatenate([np.full_like(values[:-1], np.nan), values[-1:]])

    alone = all(output.shape[0] == 1 for output in outputs(lambda values: values[-1:]))
    return alone and all(np.isfinite(np.asarray(output)[-1]).all() for output in outputs(others_lost))
