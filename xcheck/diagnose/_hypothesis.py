"""What a hypothesis is: a way of going wrong, as the leaves that a result would then agree with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import inf
from time import thread_time
from typing import NamedTuple

import numpy as np

from xcheck._convention import scale_names
from xcheck._judge import Arrays
from xcheck._reference import Leaf, Reference
from xcheck.case import Case
from xcheck.quantity import Quantity
from xcheck.result import Explanation

Leaves = Mapping[str, Leaf]
#: Bits of evidence that are no chance: some thirty patterns are tried, and each fits 2^-40 of all results by chance.
BITS = 40.0
#: Another reference of the case by its quantity, if there is one.
Related = Callable[[str], Reference | None]


class Overdue(Exception):
    """The search has used up its time."""


@dataclass(frozen=True)
class Evidence:
    """A wrong result with all that may explain it; `related` gives another reference of the case, if there is one.

    `deadline` is a `thread_time()`: a machine that is busy with other work must not change what is said.
    """

    actual: Arrays
    reference: Reference
    dtype: str
    case: Case
    quantity: Quantity
    related: Related
    deadline: float = inf

    def in_time(self) -> None:
        """Raises Overdue after the deadline; whatever takes long asks."""
        if thread_time() > self.deadline:
            raise Overdue

    @cached_property
    def sizes(self) -> dict[str, float]:
        return sizes(self.case, self.related)

    @cached_property
    def blocks(self) -> dict[str, slice]:
        """Parameter name to its place in theta."""
        ends = np.cumsum([0, *(a.size for a in self.case.values().params.values())])
        return {
            name: slice(int(a), int(b)) for name, a, b in zip(self.case.values().params, ends, ends[1:], strict=False)
        }

    @cached_property
    def letters(self) -> list[str]:
        """What the axes are called: outputs have any number of axes an example, and so have pull-backs to arguments."""
        declared = self.quantity.shape.split()
        most = max(leaf.value.ndim for leaf in self.reference.leaves.values())
        if declared == ["n", "c"]:
            return ["n", *["c"] * (most - 1)]
        pulled = self.quantity.name == "vjp" and (self.case.wrt != "params" or self.case.p == 0)
        return ["n", *["d"] * (most - 1)] if pulled else declared

    def axes(self, letter: str) -> list[int]:
        """The axes of the quantity that are called `letter`."""
        return [k for k, axis in enumerate(self.letters) if axis == letter]

    def lone(self, quantity: str) -> Leaf | None:
        """The only leaf of another reference of the case."""
        found = self.related(quantity)
        return next(iter(found.leaves.values())) if found is not None and len(found.leaves) == 1 else None


def sizes(case: Case, related: Related) -> dict[str, float]:
    """What scales are written in; the shape of the outputs is that of their reference, where there is one."""
    outputs = related("value")
    return scale_names(case, None if outputs is None else next(iter(outputs.leaves.values())).value.shape)


class Candidate(NamedTuple):
    """An explanation, and what the result agrees with if it is right."""

    explanation: Explanation
    leaves: Leaves


#: From the evidence and the leaves that would be right, what they become by going wrong in some way.
Hypothesis = Callable[[Evidence, Leaves], Iterator[Candidate]]


def candidate(name: str, text: str, leaves: Leaves, value: float | str | None = None) -> Candidate:
    return Candidate(Explanation(name, value, text), leaves)


def each(leaves: Leaves, moved: Callable[[np.ndarray], np.ndarray]) -> dict[str, Leaf]:
    """Values and scales of every leaf moved in the same way: permuted, repeated, masked."""
    return {path: exactly(moved(leaf.value), moved(leaf.scale)) for path, leaf in leaves.items()}


def times(leaves: Leaves, factor: float) -> dict[str, Leaf]:
    """`factor` times the leaves; scales grow by |factor|."""
    return {path: exactly(factor * leaf.value, abs(factor) * leaf.scale) for path, leaf in leaves.items()}


def exactly(value: np.ndarray, scale: np.ndarray) -> Leaf:
    """A leaf of a hypothesis: its own error, at most one unit of rounding, is no matter beside a limit of 32."""
    zero = np.broadcast_to(0.0, value.shape)
    return Leaf(value, zero, zero, scale)


def various(arrays: Iterable[np.ndarray]) -> int:
    """How many sizes the entries other than 0 have, where powers of 2 are one size: they round alike.

    >>> various([np.array([1.0, 2.0, -3.0]), np.array([0.0, 6.0])])
    2
    """
    sizes = np.concatenate([np.abs(A[A != 0]) for A in arrays])
    return len(np.unique(np.frexp(sizes)[0].astype(np.float32)))
