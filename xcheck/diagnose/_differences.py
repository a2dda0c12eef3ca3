"""Finite differences in place of derivatives: `(f(x + h) - f(x - h)) / 2h` keeps the grid of f.

Numbers near f are whole multiples of its spacing, so their difference is one, too: `2h` times the result, divided by
that spacing, is a whole number to within its rounding, however large the error is.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from math import frexp

import numpy as np

from xcheck._dtypes import UNIT
from xcheck._judge import Arrays
from xcheck.diagnose._hypothesis import BITS, Evidence
from xcheck.diagnose._rerun import affordable, rerun
from xcheck.exact.evaluate import Evaluation
from xcheck.exact.monte_carlo import MonteCarlo
from xcheck.result import Explanation

#: What is differenced for a quantity; "objective" is the loss.
DIFFERENCED = {
    "jvp": "value", "jacobian_params": "value", "jacobian_inputs": "value", "gradient": "objective", "hvp": "gradient",
    "hessian_params": "gradient", "hessian_diagonal": "gradient", "hessian_trace": "gradient",
}  # fmt: skip
STEPS = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10)
ROOTS = (1 / 2, 1 / 3, 1 / 4)
#: Roundings of a quotient, each of half a unit: the division, the step, what it is divided by, and ours.
ROUNDINGS = 2
#: This share of the entries must lie on the grid; the others crossed a power of 2.
SHARE = 0.9


def finite_difference(evidence: Evidence) -> Iterator[Explanation]:
    """The smallest step whose grid the result lies on; each multiple of it has a finer one."""
    centre = differenced(evidence)
    if centre is None:
        return
    eps = float(np.finfo(evidence.dtype).eps)
    steps = [*STEPS, *(eps**root for root in ROOTS)]
    for width, (step, sides) in sorted((sides * h, (h, sides)) for h, sides in product(steps, (1, 2))):
        if on_grid(evidence.actual, centre, width, evidence.dtype):
            formula = "(f(x + h) - f(x)) / h" if sides == 1 else "(f(x + h) - f(x - h)) / 2h"
            text = f"is a finite difference, {formula} with h = {step:.3g}: its entries lie on that grid"
            yield Explanation("finite_difference", step, text)
            return


def differenced(evidence: Evidence) -> Arrays | None:
    """What is differenced, in the shape of the result."""
    base = DIFFERENCED.get(evidence.quantity.name)
    if base is None or evidence.dtype not in ("float64", "float32") or not affordable(evidence):
        return None
    if base == "objective":
        plain, alg = Evaluation(evidence.case, evidence.dtype), MonteCarlo(noise=0.0)
        loss = plain.objective(alg, plain.values.params, plain.values.inputs)
        return {path: np.broadcast_to(loss, A.shape) for path, A in evidence.actual.items()}
    found, shaped = rerun(evidence, evidence.case, base), {}
    if found is not None and evidence.quantity.name == "hessian_trace":
        return {"": np.min(np.abs(found[""]))}
    for path, A in evidence.actual.items():
        # The rows of a Jacobian have one output in common; a Hessian's columns have one entry of the gradient.
        f = None if found is None else found.get(path, found.get(path.partition("/")[0], found.get("")))
        if f is None:
            return None
        f = f.reshape(len(f), -1, 1) if evidence.quantity.name.startswith("jacobian") else f
        if f.ndim > A.ndim or any(a not in (1, b) for a, b in zip(f.shape[::-1], A.shape[::-1], strict=False)):
            return None
        shaped[path] = np.broadcast_to(f, A.shape)
    return shaped


def on_grid(actual: Arrays, centre: Arrays, width: float, dtype: str) -> bool:
    """Whether the entries are whole multiples of `spacing(f) / width`, and that is no chance."""
    quotients = np.unique(np.concatenate([quotient(A, centre[path], width, dtype) for path, A in actual.items()]))
    quotients = quotients[quotients > 0.5]
    # By chance a quotient is as near to a whole number as rounding lets this be seen.
    allowed = ROUNDINGS * UNIT[dtype] * quotients
    seen = allowed < 0.25
    whole = np.abs(quotients - np.round(quotients)) <= allowed
    if not np.any(seen) or np.count_nonzero(whole[seen]) < SHARE * np.count_nonzero(seen):
        return False
    hits = seen & whole
    if frexp(width)[0] == 0.5:
        return beyond_few_bits(np.round(quotients[hits]))
    return float(np.sum(-np.log2(2 * allowed[hits]))) >= BITS


def quotient(A: np.ndarray, f: np.ndarray, width: float, dtype: str) -> np.ndarray:
    """`|A| width / spacing`, with the finest spacing between f and where the steps have led."""
    least = np.minimum(np.abs(f), np.minimum(np.abs(f - width * A), np.abs(f + width * A)))
    return np.ravel(np.abs(A) * width / np.spacing(least.astype(dtype)).astype(np.float64))


def beyond_few_bits(whole: np.ndarray) -> bool:
    """A step that is a power of 2 leaves few bits, as a coarser dtype does, but more of large entries than of small.

    Numbers k 2^e with odd k: on a grid, e is at least that of the grid, and seldom more; in a dtype, k has a length.
    """
    k = whole.astype(np.int64)
    zeros = np.log2(k & -k)
    lengths = np.floor(np.log2(k)) + 1 - zeros
    seldom = float(np.mean(zeros)) < 2  # a coin that falls on its head once on average
    return seldom and float(np.sum(np.max(lengths) - lengths) - np.sum(zeros)) >= BITS
