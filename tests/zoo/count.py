"""Every defect at every cell it applies to: how many do harm, are killed, are named; beside other checks."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from xcheck import Outcome
from xcheck._judge import Verdict, compare
from zoo import ZOO
from zoo._defect import Defect
from zoo.competitors import COMPETITORS
from zoo.planting import LARGE, Cell, cells, named, plant


@dataclass
class Count:
    """What became of one defect in one dtype; `killed_by` counts what other tolerances would have killed."""

    defect: str
    dtype: str
    applied: int = 0
    harmful: int = 0
    killed: int = 0
    diagnosed: int = 0
    named_rightly: int = 0
    named_falsely: int = 0
    killed_by: dict[str, int] = field(default_factory=lambda: dict.fromkeys((c.name for c in COMPETITORS), 0))
    quantities: dict[str, int] = field(default_factory=dict)
    #: Where it survived, or was not named rightly: `case/quantity: what was said`.
    missed: list[str] = field(default_factory=list)


#: So many cells of each quantity are diagnosed, other ones for each defect; all are judged.
EACH = 2


def count(defect: Defect, dtype: str, cases: tuple[str, ...]) -> Count:
    """The defect at all cells of some cases."""
    found, quantities = Count(defect.name, dtype), Counter()
    for here in sorted(cells(cases, dtype), key=lambda cell: cell.order(defect.name)):
        made = plant(defect, here)
        found.applied += made is not None
        if made is not None and made.harmful:
            add(found, defect, here, made.wrong, here.size <= LARGE and quantities[here.quantity] < EACH)
            quantities[here.quantity] += 1
    found.quantities = dict(sorted(quantities.items()))
    return found


def counted(task: tuple[str, str, tuple[str, ...]]) -> Count:
    """`count` of a defect's name, for a process of its own; functions that wrong results overflow warn of it."""
    name, dtype, cases = task
    (defect,) = (defect for defect in ZOO if defect.name == name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return count(defect, dtype, cases)


def add(found: Count, defect: Defect, here: Cell, wrong: dict[str, np.ndarray], diagnosed: bool) -> None:
    verdict = judged(here, wrong, diagnosed)
    killed = verdict.outcome in (Outcome.DISAGREES, Outcome.NOT_FINITE)
    found.harmful += 1
    found.killed += killed
    for competitor in COMPETITORS:
        found.killed_by[competitor.name] += not competitor.passes(wrong, here.honest.leaves, here.dtype)
    if not killed:
        found.missed.append(f"{here.case.name}/{here.quantity}: survives with ratio {verdict.ratio}")
    elif diagnosed and verdict.outcome is Outcome.DISAGREES:
        name = named(defect, verdict, here)
        found.diagnosed += 1
        found.named_rightly += name == "rightly"
        found.named_falsely += name == "falsely"
        if name != "rightly":
            said = ", ".join(explanation.name for explanation in verdict.diagnosis) or "nothing"
            found.missed.append(f"{here.case.name}/{here.quantity}: said {said}")


def summary(counts: Iterable[Count]) -> dict[str, Any]:
    """The figures by dtype, per result and per distinct defect, which counts where it is so everywhere."""
    counts = [one for one in counts if one.harmful]
    return {
        dtype: figures([one for one in counts if one.dtype == dtype]) for dtype in sorted({one.dtype for one in counts})
    }


def figures(counts: list[Count]) -> dict[str, Any]:
    def total(name: str) -> int:
        return sum(getattr(one, name) for one in counts)

    return {
        "defects": len(counts),
        "defects_killed": sum(one.killed == one.harmful for one in counts),
        "defects_named_rightly": sum(one.named_rightly == one.diagnosed for one in counts),
        "defects_named_falsely": sum(one.named_falsely > 0 for one in counts),
        **{
            name: total(name)
            for name in ("applied", "harmful", "killed", "diagnosed", "named_rightly", "named_falsely")
        },
    }


def competitors(counts: Iterable[Count]) -> dict[str, Any]:
    """For each other check, by dtype: the harmful results that it kills, and the defects that it kills everywhere."""
    counts = [one for one in counts if one.harmful]
    return {
        competitor.name: {
            "source": competitor.source,
            "tolerances": {d: {"relative": r, "absolute": a} for d, (r, a) in competitor.tolerances.items()},
            **{
                dtype: {
                    "killed": sum(one.killed_by[competitor.name] for one in counts if one.dtype == dtype),
                    "defects_killed": sum(
                        one.killed_by[competitor.name] == one.harmful for one in counts if one.dtype == dtype
                    ),
                }
                for dtype in competitor.tolerances
            },
        }
        for competitor in COMPETITORS
    }


def judged(here: Cell, wrong: dict[str, np.ndarray], diagnosed: bool) -> Verdict:
    """With its diagnosis, or by the bare comparison."""
    if diagnosed:
        return here.judge(wrong)
    return compare({path: np.float64(A) for path, A in wrong.items()}, here.reference, here.dtype)
