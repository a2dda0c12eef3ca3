"""Rerun: a quantity of a case, or of the case with something wrong in it, by its own program in float64."""

from __future__ import annotations

from typing import Any

import numpy as np

from xcheck._reference import find_quantity
from xcheck.case import Case
from xcheck.diagnose._hypothesis import Evidence
from xcheck.exact.derivatives import Derivatives
from xcheck.exact.monte_carlo import NOISE, RUNS, MonteCarlo

Arrays = dict[str, np.ndarray]
#: These take one pass, whatever the number of parameters.
PRODUCTS = ("hvp", "ggnvp", "third_derivative", "fourth_derivative")
#: Examples times parameters times passes of the largest rerun: about a second.
LARGEST = 20_000_000


def affordable(evidence: Evidence, times: int = 1) -> bool:
    """Whether the result can be computed so many times again."""
    case, quantity = evidence.case, evidence.quantity
    d = max([1, *(array.size // case.n for array in case.values().inputs.values())])
    size, moved = max(case.p, d), d if quantity.wrt == "inputs" else max(case.p, d)
    entries = sum(leaf.value.size for leaf in evidence.reference.leaves.values())
    columns = quantity.order > 1 and quantity.name not in PRODUCTS
    passes = moved if columns else min(moved, 1 + entries // moved)
    return times * case.n * size * passes <= LARGEST


def rerun(evidence: Evidence, case: Case, quantity: str | None = None) -> Arrays | None:
    """The quantity that the evidence is of, or another one; None where it cannot be had: on a kink, without a loss."""
    asked = evidence.quantity if quantity is None else find_quantity(quantity)
    try:
        return numbers(asked.reference(Derivatives(case, MonteCarlo(noise=0.0), evidence.dtype)))
    except Exception:  # a program with something wrong in it may raise anything, and a diagnosis must not
        return None


def scales(evidence: Evidence, case: Case, plain: Arrays) -> Arrays:
    """The rounding scale S of a rerun, as the references have it."""
    squares = {path: np.zeros(R.shape) for path, R in plain.items()}
    for run in range(RUNS):
        noisy = numbers(evidence.quantity.reference(Derivatives(case, MonteCarlo(seed=run), evidence.dtype)))
        for path, R in plain.items():
            squares[path] += (noisy[path] - R) ** 2
    return {path: np.sqrt(total / RUNS) / NOISE for path, total in squares.items()}


def numbers(found: Any) -> Arrays:
    return {path: np.asarray(array, dtype=np.float64) for path, array in found.items()}
