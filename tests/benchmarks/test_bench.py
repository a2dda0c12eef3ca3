"""The quick table through pytest-benchmark: judged, then 31 rounds in pairs with the baseline.

Groups are case x quantity x dtype x device x threads. pytest-benchmark ranks by the minimum, which is biased; the
median of the paired ratios, with its interval, is in `extra_info`.
"""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from xcheck._load import load_cases
from xcheck._problem import adapter
from xcheck.bench.ready import Ready, arithmetic, candidates, find, make_ready, verdict
from xcheck.bench.rounds import timed
from xcheck.bench.schema import Group
from xcheck.bench.statistics import estimate
from xcheck.bench.tables import Selection, table
from xcheck.quantities import load_quantities

ROUNDS = 31


def cells() -> Iterator[Any]:
    load_quantities()
    load_cases()
    for selection in table("quick").selections:
        group = selection.group
        for name, made in candidates(group.quantity, group.device).items():
            applies = fnmatchcase(group.case, made.cases)
            if selection.takes(name) and applies:
                yield pytest.param(selection, name, id=f"{group.id}/{name}".replace("/", "-"))


@cache
def ready(group: Group, name: str) -> Ready:
    return make_ready(group, find(group)[2](name))


@pytest.mark.parametrize(("selection", "name"), list(cells()))
def test_bench(benchmark: Any, selection: Selection, name: str, tmp_path: Path) -> None:
    group = selection.group
    made, benchmark.group = find(group)[2](name), group.id
    frameworks = tuple(dict.fromkeys((made.framework, selection.baseline.split("_")[0])))
    with arithmetic(group, frameworks):
        one, baseline = ready(group, name), ready(group, selection.baseline)
        said, by = verdict(one.result, group, made, tmp_path)
        body, walls = one.body, []
        benchmark.pedantic(
            lambda: adapter(made.framework).synchronise(body.launch(0)),
            setup=lambda: walls.append(timed(baseline.body, len(walls), 1)[0]), rounds=ROUNDS, iterations=1,
        )  # fmt: skip
    ratios = np.array(benchmark.stats.stats.data) / np.array(walls)
    ratio = estimate([ratios])
    benchmark.extra_info |= {
        "outcome": str(said.outcome), "judged_by": by, "first": one.first, "prepare": one.prepare,
        "baseline": selection.baseline, "ratio": ratio.median, "ratio_low": ratio.low, "ratio_high": ratio.high,
    }  # fmt: skip
    assert said, said.text or said.reason
