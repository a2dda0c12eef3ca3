"""What a report says, before it is written anywhere: rows by case and quantity, failures, reasons."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median
from typing import NamedTuple

from xcheck.result import Outcome, Result, size

#: The size of rounding: between these the median ratio of right results lies, and of fewer nothing is said.
LEAST, MOST, ENOUGH = 0.1, 10.0, 30


@dataclass(frozen=True)
class Row:
    """One case and one quantity: outcomes with their counts, the worst ratio, and whose it is."""

    case: str
    quantity: str
    outcomes: dict[Outcome, int]
    ratio: float | str | None
    who: str

    @property
    def failed(self) -> bool:
        return any(outcome.failed for outcome in self.outcomes)


def rows(results: Iterable[Result]) -> list[Row]:
    """In the order of the results; the outcomes in the order of their declaration."""
    groups: dict[tuple[str, str], list[Result]] = {}
    for result in results:
        groups.setdefault((result.case, result.quantity), []).append(result)
    return [_row(case, quantity, group) for (case, quantity), group in groups.items()]


def _row(case: str, quantity: str, group: list[Result]) -> Row:
    counts = Counter(result.outcome for result in group)
    judged = [result for result in group if result.ratio is not None]
    worst = max(judged, key=badness, default=None)
    who = "" if worst is None else f"{worst.implementation} {worst.dtype} {worst.device}"
    ordered = {outcome: counts[outcome] for outcome in Outcome if counts[outcome]}
    return Row(case, quantity, ordered, None if worst is None else worst.ratio, who)


def badness(result: Result) -> float:
    """Its ratio; one that is not a number is the worst."""
    ratio = size(result.ratio)
    return math.inf if math.isnan(ratio) else ratio


def failures(results: Iterable[Result]) -> list[Result]:
    return [result for result in results if result.outcome.failed]


def reasons(results: Iterable[Result], outcome: Outcome) -> list[tuple[str, int]]:
    """Why results of this outcome came, the most frequent reason first."""
    return Counter(one.reason or "no reason given" for one in results if one.outcome == outcome).most_common()


class Typical(NamedTuple):
    """The median ratio of a quantity's distinct results that agree, and how many those are."""

    median: float
    distinct: int

    @property
    def doubtful(self) -> bool:
        """Whether it is not of the size of rounding: the scale S is then in doubt."""
        return not LEAST <= self.median <= MOST


def medians(results: Iterable[Result]) -> dict[str, Typical]:
    """What is typical of each quantity that has enough distinct results, smallest first.

    Ways that reach the same bits of a case count once: seven ways of adding two numbers tell no more of S than one.
    """
    ratios: dict[str, set[tuple[str, str, float]]] = {}
    for one in results:
        if one.outcome == Outcome.AGREES:
            ratios.setdefault(one.quantity, set()).add((one.case, one.dtype, size(one.ratio)))
    found = {
        name: Typical(median(ratio for *_, ratio in distinct), len(distinct))
        for name, distinct in ratios.items()
        if len(distinct) >= ENOUGH
    }
    return dict(sorted(found.items(), key=lambda pair: pair[1]))


def shown_ratio(ratio: float | str | None) -> str:
    """Three digits; infinities and NaN are words.

    >>> shown_ratio(0.08492), shown_ratio(5.461e14), shown_ratio("inf"), shown_ratio(None)
    ('0.0849', '5.46e+14', 'inf', '-')
    """
    return "-" if ratio is None else f"{float(ratio):.3g}"
