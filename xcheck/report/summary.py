"""What a report says, before it is written anywhere: rows by case and quantity, failures, reasons."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from xcheck.result import Outcome, Result, size


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


def medians(results: Iterable[Result]) -> dict[str, float]:
    """The median ratio of each quantity's results that agree, smallest first: of the size of 1 where S is right."""
    ratios: dict[str, list[float]] = {}
    for one in results:
        if one.outcome == Outcome.AGREES:
            ratios.setdefault(one.quantity, []).append(size(one.ratio))
    return dict(sorted(((name, median(found)) for name, found in ratios.items()), key=lambda pair: pair[1]))


def shown_ratio(ratio: float | str | None) -> str:
    """Three digits; infinities and NaN are words.

    >>> shown_ratio(0.08492), shown_ratio(5.461e14), shown_ratio("inf"), shown_ratio(None)
    ('0.0849', '5.46e+14', 'inf', '-')
    """
    return "-" if ratio is None else f"{float(ratio):.3g}"
