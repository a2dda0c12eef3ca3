"""Defect: one way of being wrong, and whether it does any harm on a case, which is derived and not declared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

import numpy as np

from xcheck._dtypes import UNIT
from xcheck._reference import Reference
from xcheck.case import Case
from xcheck.diagnose._hypothesis import Related

Leaves = dict[str, np.ndarray]


@dataclass(frozen=True)
class Right:
    """The right result, with what a defect may need besides: the case, its other quantities, a seed."""

    case: Case
    quantity: str
    dtype: str
    leaves: Mapping[str, np.ndarray]
    shape: str
    related: Related
    #: What a wrong program runs in: float64 stands for exact arithmetic.
    arithmetic: str = "float64"

    def other(self, quantity: str) -> np.ndarray | None:
        """The right result of another quantity, where it is one array."""
        found = self.related(quantity)
        return found.leaves[""].value if found is not None and set(found.leaves) == {""} else None

    def axes(self, letter: str) -> list[int]:
        declared, most = self.shape.split(), max(A.ndim for A in self.leaves.values())
        letters = ["n", "d"] if most == 2 > len(declared) else declared
        return [k for k, axis in enumerate(letters) if axis == letter]

    @property
    def weights(self) -> dict[str, tuple[slice, tuple[int, ...]]]:
        """Parameter name to its place in theta and its shape."""
        start, found = 0, {}
        for name, values in self.case.values().params.items():
            found[name] = (slice(start, start + values.size), values.shape)
            start += values.size
        return found

    def draw(self) -> np.random.Generator:
        return np.random.default_rng(7)


@dataclass(frozen=True)
class Defect:
    """`wrong(right)` is the wrong result, or None where the defect does not apply.

    `named` are the names of explanations, any of which is right; none means that there is no explanation to find.
    `also` are those that are true besides on some cases, such as where the wrong entries are; they count for nothing.
    Where it is not `told`, its name is found in some cells only; it counts as unnamed in the others.
    """

    name: str
    wrong: Callable[[Right], Mapping[str, np.ndarray] | None]
    named: tuple[str, ...]
    quantities: str = "*"
    dtypes: tuple[str, ...] = field(default=("float64", "float32"))
    also: tuple[str, ...] = ()
    told: bool = True

    def applies(self, right: Right) -> bool:
        globs = self.quantities.split()
        return right.dtype in self.dtypes and any(fnmatchcase(right.quantity, glob) for glob in globs)


def harmful(wrong: Mapping[str, np.ndarray], reference: Reference, dtype: str) -> bool:
    """Whether what a defect makes of the exact result differs from it by more than 64 u S in any entry."""
    return any(
        bool(np.any(np.abs(wrong[path] - leaf.value) > 64 * UNIT[dtype] * leaf.scale))
        for path, leaf in reference.leaves.items()
    )


def every(function: Callable[[np.ndarray], np.ndarray]) -> Callable[[Right], Leaves]:
    """The same done to every leaf."""
    return lambda right: {path: function(np.array(A)) for path, A in right.leaves.items()}
