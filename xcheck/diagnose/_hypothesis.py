"""What a hypothesis is: a way of going wrong, as the leaves that a result would then agree with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import NamedTuple

import numpy as np

from xcheck._judge import Arrays
from xcheck._reference import Leaf, Reference
from xcheck.case import Case
from xcheck.program import GaussianNLL
from xcheck.quantity import Quantity
from xcheck.result import Explanation

Leaves = Mapping[str, Leaf]


@dataclass(frozen=True)
class Evidence:
    """A wrong result with all that may explain it; `related` gives another reference of the case, if there is one."""

    actual: Arrays
    reference: Reference
    dtype: str
    case: Case
    quantity: Quantity
    related: Callable[[str], Reference | None]

    @cached_property
    def sizes(self) -> dict[str, float]:
        """n, c, p and noise_var, where the case has them."""
        outputs = self.related("value")
        found = {"n": float(self.case.n), "p": float(self.case.p)}
        if outputs is not None:
            found["c"] = float(prod(next(iter(outputs.leaves.values())).value.shape[1:]))
        if isinstance(self.case.loss, GaussianNLL):
            found["noise_var"] = self.case.loss.noise_var
        return found

    @cached_property
    def blocks(self) -> dict[str, slice]:
        """Parameter name to its place in theta."""
        ends = np.cumsum([0, *(a.size for a in self.case.values().params.values())])
        return {
            name: slice(int(a), int(b)) for name, a, b in zip(self.case.values().params, ends, ends[1:], strict=False)
        }

    def axes(self, letter: str) -> list[int]:
        """The axes of the quantity that are called `letter`."""
        return [k for k, axis in enumerate(self.quantity.shape.split()) if axis == letter]

    def lone(self, quantity: str) -> Leaf | None:
        """The only leaf of another reference of the case."""
        found = self.related(quantity)
        return next(iter(found.leaves.values())) if found is not None and len(found.leaves) == 1 else None


class Candidate(NamedTuple):
    """An explanation, and what the result agrees with if it is right."""

    explanation: Explanation
    leaves: Leaves


#: From the evidence and the leaves that would be right, what they become by going wrong in some way.
Hypothesis = Callable[[Evidence, Leaves], Iterator[Candidate]]


def candidate(name: str, text: str, leaves: Leaves, value: float | str | None = None) -> Candidate:
    return Candidate(Explanation(name, value, text), leaves)


def each(leaves: Leaves, moved: Callable[[np.ndarray], np.ndarray]) -> dict[str, Leaf]:
    """Every array of every leaf moved in the same way: permuted, repeated, masked."""
    return {path: Leaf(*map(moved, (leaf.value, leaf.low, leaf.radius, leaf.scale))) for path, leaf in leaves.items()}


def times(leaves: Leaves, factor: float) -> dict[str, Leaf]:
    """`factor` times the leaves; errors and scales grow by |factor|."""
    f = abs(factor)
    return {
        path: Leaf(factor * leaf.value, factor * leaf.low, f * leaf.radius, f * leaf.scale)
        for path, leaf in leaves.items()
    }


def exactly(value: np.ndarray, scale: np.ndarray) -> Leaf:
    """A leaf without error bound: computed here from other references."""
    zero = np.zeros_like(value)
    return Leaf(value, zero, zero, scale)
