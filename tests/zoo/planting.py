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
from xcheck.diagnose._hypothesis import various
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

    @property
    def fits_anything(self) -> bool:
        """Whether a number that is fitted to a result proves nothing here: the right one has fewer than three sizes."""
        return various(leaf.value for leaf in self.reference.leaves.values()) < 3

    def order(self, defect: str) -> int:
        """Mixes the cells, otherwise for each defect and dtype and always in the same way."""
        return crc32(f"{defect}/{self.dtype}/{self.case.name}/{self.quantity}".encode())


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


#: What is fitted to the result.
FITTED = {"scaled", "few_entries", "offset", "damping", "finite_difference"}
#: How large an error is and where claims nothing of its cause; "of the size of float32 rounding" hints at one.
NO_CLAIM = {"unexplained"}


def named(defect: Defect, verdict: Verdict, here: Cell) -> str:
    """ "rightly" or "falsely"; "not" where there was a name to find, and "nameless" where there was none.

    A nameless defect may be followed by silence, or by what is true besides, such as where the wrong entries are.
    """
    names = {explanation.name for explanation in verdict.diagnosis} - NO_CLAIM
    if names & set(defect.named):
        return "rightly"
    if names - set(defect.also):
        return "falsely"
    return "nameless" if not defect.named or (here.fits_anything and FITTED & set(defect.named)) else "not"
