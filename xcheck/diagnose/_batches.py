"""Batches that count too much or not at all: a mean of batch means, a last batch taken for a full one, or dropped."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from xcheck.arrays import Computed, Descriptor
from xcheck.case import Case
from xcheck.diagnose._hypothesis import Candidate, Evidence, Leaves, candidate, exactly
from xcheck.diagnose._rerun import Arrays, affordable, rerun

#: A last batch of more examples is not tried.
LONGEST = 128


def batches(evidence: Evidence, leaves: Leaves) -> Iterator[Candidate]:
    """`R` with other weights for the last m of n examples, which are the rest of batches of b: `m = n mod b`.

    The mean of `ceil(n/b)` batch means weighs an example with `1 / (ceil(n/b) b)`, one of the last batch with
    `1 / (ceil(n/b) m)`; the right weight is `1/n`.
    """
    n = evidence.case.n
    for m, tail in tails(evidence):
        for weight, said in ((1.0, ""), (n / (n - m), ", and takes the mean over the others")):
            text = f"misses its last {m} example{'s' * (m > 1)}, as of a batch that was dropped{said}"
            yield candidate("dropped_batch", text, weighted(leaves, tail, weight, 0.0), m)
        for b in (b for b in range(2, n) if n % b == m):
            count = -(-n // b)
            text = f"is the mean of the means of {count} batches of {b}: the last one has {m} and weighs too much"
            yield candidate("batch_weights", text, weighted(leaves, tail, n / (count * b), n / (count * m)), b)
            text = f"takes its last batch, of {m}, for one of {b}: it weighs too much"
            yield candidate("batch_weights", text, weighted(leaves, tail, 1.0, b / m), b)


def weighted(leaves: Leaves, tail: Arrays, others: float, last: float) -> Leaves:
    """`others (R - T) + last T`; the rounding scale of T is no more than that of R."""
    return {
        path: exactly(others * leaf.value + (last - others) * tail[path], max(others, last) * leaf.scale)
        for path, leaf in leaves.items()
    }


def tails(evidence: Evidence) -> Iterator[tuple[int, Arrays]]:
    """m and what the last m examples contribute to a sum over the examples, while they are less than half of them."""
    case, outputs, total = evidence.case, evidence.lone("value"), None
    if case.loss is None or outputs is None or not summed(evidence) or not affordable(evidence):
        return
    share = case.loss.divisor((1, *outputs.value.shape[1:])) / case.loss.divisor(outputs.value.shape)
    for m in range(1, min(LONGEST, (case.n - 1) // 2) + 1):
        evidence.in_time()
        term = rerun(evidence, only(case, case.n - m, evidence.dtype))
        if term is None or {p: a.shape for p, a in term.items()} != {p: a.shape for p, a in evidence.actual.items()}:
            return
        total = {path: share * a + (0 if total is None else total[path]) for path, a in term.items()}
        yield m, total


def summed(evidence: Evidence) -> bool:
    """Whether the quantity is a sum over the examples; the factors of KFAC are means of their own."""
    quantity = evidence.quantity
    return quantity.needs_loss and "n" not in quantity.shape.split() and quantity.name != "kfac_factors"


def only(case: Case, k: int, dtype: str) -> Case:
    """The case with example k alone."""
    values = case.values(dtype)

    def one(name: str, array: np.ndarray) -> Descriptor:
        return Computed(f"example {k} of {name}", lambda: array[k : k + 1], dtype="float64")

    return replace(
        case,
        inputs={name: one(name, array) for name, array in values.inputs.items()},
        targets=None if values.targets is None else one("targets", values.targets),
    )
