"""Coverage: how many ways compute each quantity of each case; `xcheck list coverage` prints the page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from xcheck._execute import unmet
from xcheck._problem import problem
from xcheck.case import Case
from xcheck.quantities import load_quantities
from xcheck.quantity import FRAMEWORKS, Implementation, implementations
from xcheck.run.plan import for_case

LEAST_FRAMEWORKS, LEAST = 2, 3


@dataclass(frozen=True)
class Covered:
    """What computes one quantity of one case; variants of one function count once."""

    case: str
    quantity: str
    frameworks: int
    implementations: int
    unsupported: int = 0

    @property
    def is_gap(self) -> bool:
        """Fewer than two frameworks, or fewer than three implementations.

        >>> Covered("tanh_mlp", "ggn", frameworks=2, implementations=2).is_gap
        True
        """
        return self.frameworks < LEAST_FRAMEWORKS or self.implementations < LEAST


def coverage(cases: Iterable[Case]) -> Iterator[Covered]:
    """Every case with every quantity that it lists; programs run once, derivatives are not computed."""
    for case in cases:
        for quantity in case.quantities:
            applies = list(_ways(case, quantity))
            ways = [one for one, does in applies if does]
            yield Covered(
                case.name, quantity, len({one.framework for one in ways}), len({one.function for one in ways}),
                len({one.function for one, does in applies if not does}),
            )  # fmt: skip


def unsupported_share(found: Iterable[Covered]) -> float:
    """The part of all (case, quantity, implementation) whose implementation does not apply to the case."""
    found = list(found)
    unsupported = sum(one.unsupported for one in found)
    return unsupported / (unsupported + sum(one.implementations for one in found))


def _ways(case: Case, quantity: str) -> Iterator[tuple[Implementation, bool]]:
    """The implementations that are declared for a case, and whether they apply to it."""
    for framework in FRAMEWORKS:
        made = problem(case, quantity, framework)
        for one in implementations(quantity).values():
            if one.framework == framework and for_case(one, case.name):
                yield one, unmet(made, one) is None


def page(cases: Mapping[str, Case]) -> str:
    """The table as Markdown, a row a case and a column a quantity."""
    found = {(one.case, one.quantity): one for one in coverage(cases.values())}
    quantities = [name for name in load_quantities() if any((case, name) in found for case in cases)]
    share = unsupported_share(found.values())
    gaps = sorted(f"{one.case}/{one.quantity}" for one in found.values() if one.is_gap)

    def entry(case: str, quantity: str) -> str:
        one = found.get((case, quantity))
        return "" if one is None else f"{one.frameworks}/{one.implementations}{' **gap**' if one.is_gap else ''}"

    return "\n".join(
        [
            "# Coverage",
            "",
            "Made by `xcheck list coverage > docs/coverage.md`. An entry is the number of frameworks / of",
            f"implementations; fewer than {LEAST_FRAMEWORKS} or fewer than {LEAST} are a gap.",
            f"{len(found)} pairs of a case and a quantity, {len(gaps)} gaps{': ' if gaps else ''}{', '.join(gaps)}.",
            f"Implementations that do not apply to a case that they are declared for: {share:.1%} of all; a test sees",
            "to it that this share does not grow.",
            "",
            f"| case | {' | '.join(quantities)} |",
            f"|---|{'---|' * len(quantities)}",
            *(f"| {case} | {' | '.join(entry(case, quantity) for quantity in quantities)} |" for case in cases),
            "",
        ]
    )
