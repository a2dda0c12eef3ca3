"""What a worker does with a cell beyond its outcome: which compilation a result stands on."""

from __future__ import annotations

from itertools import count

import jax
import pytest

from xcheck import _execute
from xcheck.quantities import load_quantities
from xcheck.run.plan import Cell
from xcheck.run.settings import Settings
from xcheck.run.work import serve, work

CELL = Cell("linear_gaussian", "gradient", "jax_grad_jit", "float64", "cpu")


@pytest.fixture
def compilations(monkeypatch):
    """The `quick` of each execution; a quick one comes out twice as large."""
    load_quantities()
    seen, honest = [], _execute.execute

    def execute(problem, implementation, *, quick=False):
        seen.append(quick)
        found = honest(problem, implementation, quick=quick)
        with problem.precision():
            return _execute.Execution(found.result * (1 + quick), found.seconds)

    monkeypatch.setattr(_execute, "execute", execute)
    return seen


def test_what_fails_below_the_full_tier_is_compiled_by_the_defaults(compilations):
    assert work((CELL, Settings(tier="standard"))).outcome == "agrees"
    assert compilations == [True, True, False, False]


def test_the_full_tier_compiles_by_the_defaults(compilations):
    assert work((CELL, Settings(tier="full"))).outcome == "agrees"
    assert compilations == [False, False]


@pytest.mark.parametrize(("run", "after", "kept"), [(serve, 1, 0), (serve, 10**9, 1), (work, 1, 1)])
def test_a_worker_lets_go_of_what_it_compiled_and_a_host_keeps_it(monkeypatch, run, after, kept):
    """Compiled programs are the one thing that grows with the cells of a run: at 65,530 memory maps a process ends."""
    monkeypatch.setattr("xcheck.run.work.RELEASE_AFTER", after)
    monkeypatch.setattr("xcheck.run.work._served", count(1))
    compiled = jax.jit(lambda x: x + 1)
    compiled(1.0)
    run((CELL, Settings(tier="full")))
    assert compiled._cache_size() == kept
