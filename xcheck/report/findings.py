"""What a library runs into: each gap once, the most silent and largest first, with the smallest cell that shows it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from xcheck.report.summary import badness
from xcheck.result import Outcome, Result

#: From what nobody sees to what nobody overlooks.
BY_SILENCE = (
    Outcome.DISAGREES, Outcome.MUTATED_STATE, Outcome.MUTATED_INPUT, Outcome.NONDETERMINISTIC, Outcome.WRONG_DTYPE,
    Outcome.NOT_FINITE, Outcome.WRONG_SHAPE, Outcome.RAISED, Outcome.TIMED_OUT, Outcome.OUT_OF_MEMORY, Outcome.CRASHED,
    Outcome.STALE_LIMITATION, Outcome.KNOWN_LIMITATION,
)  # fmt: skip
LOUD = frozenset(BY_SILENCE[BY_SILENCE.index(Outcome.RAISED) :])
VISIBLE = frozenset({Outcome.NOT_FINITE, Outcome.WRONG_SHAPE})


@dataclass(frozen=True)
class Finding:
    """A gap and the cells that run into it; `link` is "" where nobody declared it.

    >>> one = Result(id="a/b/c/float64/cpu", case="a", quantity="b", implementation="c", framework="torch",
    ...              dtype="float64", device="cpu", outcome=Outcome.DISAGREES, ratio=1e9)
    >>> Finding("a factor of 2", "", (one,)).loudness
    'silent'
    """

    reason: str
    link: str
    cells: tuple[Result, ...]

    @property
    def outcomes(self) -> Counter[Outcome]:
        """How many cells came as what, the most silent outcome first."""
        return Counter(sorted(map(came, self.cells), key=BY_SILENCE.index))

    @property
    def loudness(self) -> str:
        """Of its most silent cells: "silent", "visible" in the result, or "loud", an error."""
        return "loud" if self.quietest in LOUD else "visible" if self.quietest in VISIBLE else "silent"

    @property
    def quietest(self) -> Outcome:
        """What its most silent cells came as."""
        return next(iter(self.outcomes))

    @property
    def ratio(self) -> float:
        """The largest of its most silent cells; 0 where nothing could be compared."""
        return max(badness(cell) for cell in self.cells if came(cell) is self.quietest)

    @property
    def functions(self) -> dict[str, list[str]]:
        """Implementations, and the quantities of each."""
        found: dict[str, list[str]] = {}
        for cell in self.cells:
            if cell.quantity not in found.setdefault(cell.implementation, []):
                found[cell.implementation].append(cell.quantity)
        return found

    def smallest(self, sizes: Mapping[str, int]) -> Result:
        """The cell of the least n p; of several the most silent."""
        return min(self.cells, key=lambda cell: (sizes.get(cell.case, 0), BY_SILENCE.index(came(cell))))


def findings(results: Iterable[Result]) -> list[Finding]:
    """Each gap once: the declared ones by reason and link, the others by what the judge says."""
    cells: dict[tuple[str, str], list[Result]] = {}
    for result in results:
        if result.outcome.failed or result.outcome is Outcome.KNOWN_LIMITATION:
            cells.setdefault(_gap(result), []).append(result)
    found = [Finding(reason, link, tuple(those)) for (reason, link), those in cells.items()]
    return sorted(found, key=lambda one: (BY_SILENCE.index(one.quietest), -one.ratio))


def came(result: Result) -> Outcome:
    """What a cell came as, before its gap was found among the known ones."""
    return result.outcome if result.limitation is None else Outcome(result.limitation.outcome)


def _gap(result: Result) -> tuple[str, str]:
    if result.limitation is not None:
        return result.limitation.reason, result.limitation.link
    # The size of an unexplained error is another one in every cell, and no gap of its own.
    explained = (one.text for one in result.diagnosis if one.name != "unexplained")
    said = next(explained, result.reason or "no known explanation")
    return re.sub(r" object at 0x[0-9a-f]+", "", said), ""
