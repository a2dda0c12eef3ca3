"""decide: for each quantity and network, the fastest right way in each framework."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from xcheck.bench.schema import Cell, Measured
from xcheck.quantity import FRAMEWORKS


@dataclass(frozen=True)
class Decision:
    """One row of the table "which should I use?"; `tied` are those that the fastest cannot be told from."""

    measured: Measured
    best: dict[str, Cell | None]
    tied: tuple[str, ...]

    @property
    def winner(self) -> Cell:
        return self.measured.ranking[0]


def decisions(groups: Iterable[Measured]) -> list[Decision]:
    """A row for each group in which somebody is right and was timed; by quantity, then by parameters.

    Of a group in several tables, the one with most implementations decides.
    """
    found: list[Decision] = []
    largest = {one.group.id: one for one in sorted(groups, key=lambda one: len(one.ranking))}
    for one in largest.values():
        ranking = one.ranking
        if not ranking:
            continue
        best = {name: next((cell for cell in ranking if cell.framework == name), None) for name in FRAMEWORKS}
        found.append(Decision(one, best, tuple(cell.implementation for cell in ranking[1:] if _tied(ranking[0], cell))))
    return sorted(found, key=lambda d: (d.measured.group.quantity, d.measured.sizes["p"], d.measured.sizes["n"]))


def _tied(winner: Cell, other: Cell) -> bool:
    """Whether the intervals of the paired ratios overlap."""
    if winner.ratio is None or other.ratio is None:
        return False
    return other.ratio.low <= winner.ratio.high
