"""The quick table through pytest-benchmark: judged, then 31 rounds in pairs with the baseline.

Groups are case x quantity x dtype x device x threads. pytest-benchmark ranks by the minimum, which is biased; the
median of the paired ratios, with its interval, is in `extra_info`. What cannot run here is skipped and what is declared
not to work is an expected failure, both with the reason; a wrong result fails, and is not timed.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from xcheck._load import load_cases
from xcheck._problem import adapter
from xcheck.bench.ready import Ready, arithmetic, candidates, find, make_ready
from xcheck.bench.rounds import timed
from xcheck.bench.run import Settings
from xcheck.bench.schema import Cell, Group
from xcheck.bench.statistics import estimate
from xcheck.bench.tables import Selection, table
from xcheck.bench.trial import try_one
from xcheck.quantities import load_quantities
from xcheck.quantity import Implementation
from xcheck.result import Outcome
from xcheck.run.plan import for_case

#: What other libraries warn of is theirs: it is shown, and takes no row from the table. What is not timed leaves its
#: fixture unused.
pytestmark = pytest.mark.filterwarnings("default", "ignore:Benchmark fixture was not used")
ROUNDS = 31


def cells() -> Iterator[Any]:
    load_quantities()
    load_cases()
    for selection in table("quick").selections:
        group = selection.group
        for name, made in candidates(group.quantity, group.device).items():
            if selection.takes(name) and for_case(made, group.case):
                yield pytest.param(selection, name, id=f"{group.id}/{name}".replace("/", "-"))


@cache
def ready(group: Group, name: str) -> Ready:
    return make_ready(group, find(group)[2](name))


def judged(group: Group, made: Implementation, scratch: Path) -> Cell:
    """The cell of a right result; every other ends the test."""
    cell = try_one(group, made, Settings().memory, scratch)
    if cell.outcome is Outcome.UNSUPPORTED:
        pytest.skip(cell.reason or "unsupported")
    for known in made.limitations:
        if known.covers(group.case, group.quantity, group.dtype, group.device) and known.outcome == cell.outcome:
            pytest.xfail(f"{known.reason} ({known.link})")
    assert cell.outcome is Outcome.AGREES, f"{cell.outcome}: {cell.reason}"
    return cell


@pytest.mark.parametrize(("selection", "name"), list(cells()))
def test_bench(benchmark: Any, selection: Selection, name: str, tmp_path: Path) -> None:
    group = selection.group
    made = find(group)[2](name)
    cell = judged(group, made, tmp_path)
    benchmark.group = group.id
    frameworks = tuple(dict.fromkeys((made.framework, selection.baseline.split("_")[0])))
    with arithmetic(group, frameworks):
        one, baseline = ready(group, name), ready(group, selection.baseline)
        walls: list[float] = []
        benchmark.pedantic(
            lambda: adapter(made.framework).synchronise(one.body.launch(len(walls))),
            setup=lambda: walls.append(timed(baseline.body, len(walls), 1)[0]), rounds=ROUNDS, iterations=1,
        )  # fmt: skip
    ratio = estimate([np.array(benchmark.stats.stats.data) / np.array(walls)])
    benchmark.extra_info |= {
        "outcome": str(cell.outcome), "judged_by": cell.judged_by, "first": cell.first, "prepare": cell.prepare,
        "baseline": selection.baseline, "ratio": ratio.median, "ratio_low": ratio.low, "ratio_high": ratio.high,
    }  # fmt: skip
