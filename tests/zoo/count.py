"""Every defect at a spread of the cells it applies to: how many do harm, are killed, are named; beside other checks."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from xcheck import Outcome
from xcheck._judge import Verdict, compare
from zoo._defect import Defect
from zoo.competitors import COMPETITORS
from zoo.planting import LARGE, Cell, cells, named, plant


@dataclass
class Count:
    """What became of one defect in one dtype; `accepted_by` counts the wrong results that other tolerances accept.

    Of those that were diagnosed, `rightly`, `falsely` and `unnamed` had a name to find; `nameless` had none, and
    nothing false was said.
    """

    defect: str
    dtype: str
    applied: int = 0
    harmful: int = 0
    killed: int = 0
    diagnosed: int = 0
    rightly: int = 0
    falsely: int = 0
    unnamed: int = 0
    nameless: int = 0
    accepted_by: dict[str, int] = field(default_factory=lambda: dict.fromkeys((c.name for c in COMPETITORS), 0))
    quantities: dict[str, int] = field(default_factory=dict)
    #: Where it survived, or was named falsely or not: `case/quantity: what was said`.
    missed: list[str] = field(default_factory=list)


#: So many cells of each quantity where a defect does harm are judged, and so many of those diagnosed.
JUDGED, DIAGNOSED = 6, 2
SAID = {"rightly": "rightly", "falsely": "falsely", "not": "unnamed", "nameless": "nameless"}


def count(defect: Defect, dtype: str, cases: tuple[str, ...]) -> Count:
    """The defect at a spread of the cells of some cases; functions that wrong results overflow warn of it."""
    found, judged, diagnosed = Count(defect.name, dtype), Counter(), Counter()
    for here in sorted(cells(cases, dtype), key=lambda cell: cell.order(defect.name)):
        if judged[here.quantity] == JUDGED:
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made = plant(defect, here)
            found.applied += made is not None
            if made is not None and made.harmful:
                asked = here.size <= LARGE and diagnosed[here.quantity] < DIAGNOSED
                add(found, defect, here, made.wrong, asked)
                judged[here.quantity] += 1
                diagnosed[here.quantity] += asked
    found.quantities = dict(sorted(judged.items()))
    return found


def add(found: Count, defect: Defect, here: Cell, wrong: dict[str, np.ndarray], diagnosed: bool) -> None:
    verdict = judged(here, wrong, diagnosed)
    killed = verdict.outcome in (Outcome.DISAGREES, Outcome.NOT_FINITE)
    found.harmful += 1
    found.killed += killed
    for competitor in COMPETITORS:
        found.accepted_by[competitor.name] += competitor.passes(wrong, here.honest.leaves, here.dtype)
    if not killed:
        found.missed.append(f"{here.case.name}/{here.quantity}: survives with ratio {verdict.ratio}")
    elif diagnosed and verdict.outcome is Outcome.DISAGREES:
        name = SAID[named(defect, verdict, here)]
        found.diagnosed += 1
        setattr(found, name, getattr(found, name) + 1)
        if name in ("falsely", "unnamed"):
            said = ", ".join(explanation.name for explanation in verdict.diagnosis) or "nothing"
            found.missed.append(f"{here.case.name}/{here.quantity}: said {said}")


def judged(here: Cell, wrong: dict[str, np.ndarray], diagnosed: bool) -> Verdict:
    """With its diagnosis, or by the bare comparison."""
    if diagnosed:
        return here.judge(wrong)
    return compare({path: np.float64(A) for path, A in wrong.items()}, here.reference, here.dtype)


def of(counts: Iterable[Count], dtype: str) -> list[Count]:
    """Those that did harm; in "both" dtypes a defect counts once."""
    return [one for one in counts if one.harmful and dtype in (one.dtype, "both")]
