"""A defect at a cell: the wrong result that it makes there, where it applies and does harm."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from zlib import crc32

import numpy as np

import xcheck
from xcheck._judge import Verdict
from xcheck._reference import Reference
from xcheck._tree import tree
from xcheck.arrays import rounded
from xcheck.case import Case
from zoo._defect import Defect, Right, harmful
from zoo.right import right, stored, stored_reference

DTYPES = ("float64", "float32")
#: A diagnosis of more entries takes seconds.
LARGE = 20_000


@dataclass(frozen=True, eq=False)
class Cell:
    """The right result of one case, quantity and dtype, exactly and rounded, with its reference."""

    case: Case
    quantity: str
    dtype: str
    reference: Reference
    exact: Right
    honest: Right

    @property
    def size(self) -> int:
        return sum(leaf.value.size for leaf in self.reference.leaves.values())

    def judge(self, wrong: dict[str, np.ndarray]) -> Verdict:
        known = {"reference": self.reference, "related": self.exact.related}
        return xcheck.judge(tree(wrong), self.case, self.quantity, dtype=self.dtype, **known)

    def order(self, defect: str) -> int:
        """Mixes the cells, otherwise for each defect and always in the same way."""
        return crc32(f"{defect}/{self.case.name}/{self.quantity}".encode())


@lru_cache(maxsize=4096)
def cell(name: str, quantity: str, dtype: str) -> Cell | None:
    """None where there is no shipped reference."""
    case = xcheck.load_cases()[name]
    reference = stored_reference(case, quantity, dtype)
    if reference is None:
        return None
    exact = right(case, quantity, dtype)
    honest = right(case, quantity, dtype, {path: rounded(A, dtype) for path, A in exact.leaves.items()})
    return Cell(case, quantity, dtype, reference, exact, honest)


def cells(cases: tuple[str, ...], dtype: str) -> Iterator[Cell]:
    for name in cases:
        for quantity in xcheck.load_cases()[name].quantities:
            found = cell(name, quantity, dtype)
            if found is not None:
                yield found


@dataclass(frozen=True)
class Planted:
    """Whether a defect does harm at a cell, and what it makes of the right result there, in the cell's dtype."""

    harmful: bool
    wrong: dict[str, np.ndarray]


def plant(defect: Defect, here: Cell) -> Planted | None:
    """None where the defect does not apply.

    Whether it does harm is derived from what it does to the exact result, or from its program run in float64.
    """
    if not defect.applies(here.exact):
        return None
    changed = defect.wrong(here.exact)
    if changed is None:
        return None
    if not harmful(changed, here.reference, here.dtype):
        return Planted(False, {})
    return Planted(True, stored(defect.wrong(here.honest), here.dtype))


def spread(defect: Defect, cases: tuple[str, ...], dtype: str, count: int) -> Iterator[tuple[Cell, dict]]:
    """At most so many cells where the defect does harm, each of another quantity, other ones for each defect."""
    quantities: set[str] = set()
    for here in sorted(cells(cases, dtype), key=lambda cell: cell.order(defect.name)):
        if here.size > LARGE or here.quantity in quantities:
            continue
        made = plant(defect, here)
        if made is not None and made.harmful:
            quantities.add(here.quantity)
            yield here, made.wrong
            if len(quantities) == count:
                return


#: What is fitted to the result, so that it says nothing of leaves of one number each: silence is right there.
FITTED = {"scaled", "few_entries", "offset", "damping"}


def named(defect: Defect, verdict: Verdict, here: Cell) -> str:
    """ "rightly", "falsely" or "not"; "cause unknown" is no name."""
    names = {explanation.name for explanation in verdict.diagnosis}
    if (
        all(leaf.value.size == 1 for leaf in here.reference.leaves.values())
        and not names - {"rounding_size"}
        and FITTED & set(defect.named)
    ):
        return "rightly"
    right = bool(names & set(defect.named)) if defect.named else names <= {*defect.also, "rounding_size"}
    return "rightly" if right else "falsely" if names - {"rounding_size"} else "not"
