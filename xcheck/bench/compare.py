"""compare: what became slower since another run, with intervals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from xcheck.bench.schema import Bench, Cell, Estimate

#: Slower by more than this, with the whole interval, is a regression: machines drift by less between two runs.
THRESHOLD = 1.25


@dataclass(frozen=True)
class Change:
    """One cell in two runs; `ratio` is new over old, each relative to the run's own matrix product."""

    id: str
    old: Estimate
    new: Estimate
    ratio: Estimate

    def slower(self, threshold: float) -> bool:
        return self.ratio.low > threshold


def changes(old: Bench, new: Bench) -> Iterator[Change]:
    """The cells that both runs ranked.

    Times are divided by that of the matrix product of the same rounds, so that a slower clock is no regression. The
    interval is the widest that the two intervals allow.
    """
    before = {
        (one.key, cell.implementation): (cell, one.roof.flops_per_second)
        for one in old.groups
        if one.roof
        for cell in one.ranking
    }
    for one in new.groups:
        for cell in one.ranking:
            known = before.get((one.key, cell.implementation))
            if known is None or one.roof is None:
                continue
            was, rate = known
            clock = one.roof.flops_per_second / rate
            first, last = _seconds(was), _seconds(cell)
            ratio = Estimate(
                clock * last.median / first.median, clock * last.low / first.high, clock * last.high / first.low
            )
            yield Change(f"{one.key}/{cell.implementation}", first, last, ratio)


def _seconds(cell: Cell) -> Estimate:
    assert cell.seconds is not None, "ranked cells are timed"
    return cell.seconds
