"""work: what a worker process does with one cell."""

from __future__ import annotations

import importlib
import random
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from itertools import count
from typing import Any

import numpy as np

from xcheck import _execute, _problem, _reference
from xcheck._judge import Verdict
from xcheck._lazy import installed
from xcheck._load import load_cases
from xcheck._problem import Problem
from xcheck._receive import copied
from xcheck._text import one_line
from xcheck.case import Case
from xcheck.diagnose import judge
from xcheck.quantities import load_quantities
from xcheck.quantity import FRAMEWORKS, Implementation, registered
from xcheck.result import Convention, Outcome, Result, number
from xcheck.run.classify import REASON, Failure, Stage, classify, exception_trace
from xcheck.run.fingerprint import Fingerprint
from xcheck.run.limits import memory_limit, return_memory
from xcheck.run.lines import lines
from xcheck.run.plan import Cell
from xcheck.run.pool import Spent
from xcheck.run.settings import Settings
from xcheck.run.settle import explain_arguments

Task = tuple[Cell, Settings]

#: Eager JAX keeps a program for each operation, ten megabytes and thirty memory maps a cell, and a process may have
#: 65,530 maps.
RELEASE_AFTER = 100
#: What says more of a cell than that it has changed its process.
TOLD = (Outcome.RAISED, Outcome.OUT_OF_MEMORY, Outcome.MUTATED_INPUT)
_served = count(1)


def start(folder: str | None, modules: Iterable[str], kinds: Iterable[tuple[str, str]], scratch: str) -> None:
    """Prepares a worker: everything that is slow to import is imported before the first cell's clock runs.

    `kinds` are the frameworks and variants of the cells; `scratch` is a folder that the workers of one run share, and
    no other run.
    """
    load_quantities()
    load_cases(folder)
    for module in modules:
        importlib.import_module(module)
    for framework, variant in kinds:
        if installed(framework):
            _problem.adapter(framework).prepare_worker(scratch)
            _problem.adapter(framework).load(variant)


def serve(task: Task) -> Result | Spent[Result]:
    """`work` in a process of its own, which is spent once a cell has changed it.

    After every RELEASE_AFTER cells it lets go of what it compiled.
    """
    try:
        before = _fingerprint(task[1].folder)
        _seed()
    except Exception as error:  # no foreign code has run in this cell so far
        return Spent(ended(task[0], error, Stage.JUDGING))
    found = work(task, before)
    if before.changed():
        return Spent(found)
    if next(_served) % RELEASE_AFTER == 0:
        for framework in FRAMEWORKS:
            if sys.modules.get(framework) is not None:
                _problem.adapter(framework).release()
        return_memory()
    return found


@cache
def _fingerprint(folder: str | None) -> Fingerprint:
    """What a worker's cells must leave as it is, taken once: a cell that changes it is the last."""
    return Fingerprint([*load_cases(folder).values(), *load_quantities().values(), *registered()], alone=True)


def _seed() -> None:
    """Random numbers are drawn from the same state by every cell, whatever ran before it."""
    random.seed(0)
    np.random.seed(0)
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.manual_seed(0)


def work(task: Task, before: Fingerprint | None = None) -> Result:
    """One cell, computed twice and judged; `before` is its process as it was, taken now if not given.

    Below the full tier XLA compiles with its least effort, which is most of such a run; whatever fails is compiled
    once more by XLA's defaults and judged by that.
    """
    cell, settings = task
    case, quick = load_cases(settings.folder)[cell.case], settings.tier != "full"
    before = before or _here(case, cell)
    found = judged(case, cell, settings, quick=quick, before=before)
    again = found.outcome.failed and quick and cell.declared.variant == "jit"
    return judged(case, cell, settings, quick=False, before=before) if again else found


def judged(
    case: Case,
    cell: Cell,
    settings: Settings,
    *,
    quick: bool,
    reproduce: str | None = None,
    before: Fingerprint | None = None,
) -> Result:
    """One cell of a case, computed twice in this process and judged; `quick` as `xcheck._execute.execute` has it.

    A process that is no longer as it was judges nothing: `before` says what has changed.
    """
    implementation, before = cell.declared, before or _here(case, cell)
    found = _computed(case, cell, settings, quick, before)
    changed = before.changed()
    if changed and (isinstance(found, Computed) or found.outcome not in TOLD):
        return result(cell, Outcome.MUTATED_STATE, f"changed: {changed}")
    if isinstance(found, Result):
        found.reason = f"{found.reason}; and it changed {changed}" if changed else found.reason
        return found
    try:
        verdict = judge(
            found.native, case, cell.quantity, dtype=cell.dtype, framework=implementation.framework,
            convention=implementation.convention, normwise=implementation.normwise,
            reproduce=reproduce or f"xcheck explain {explain_arguments(cell.id, settings)}",
        )  # fmt: skip
        checks = {"determinism": f"note: {found.differs}" if found.differs else "ok"}
        if verdict.outcome in (Outcome.AGREES, Outcome.DISAGREES):
            checks |= lines(found.native, found.problem, implementation, quick)
    except Exception as error:
        return ended(cell, error, Stage.JUDGING)
    return _with_verdict(result(cell, verdict.outcome, seconds=found.seconds), verdict, checks)


def _here(case: Case, cell: Cell) -> Fingerprint:
    """This process as it is, where it is somebody's own, such as a test's."""
    implementation = cell.declared
    if installed(implementation.framework):
        _problem.adapter(implementation.framework).load(implementation.variant)
    return Fingerprint([case, _reference.find_quantity(cell.quantity), implementation])


@dataclass(frozen=True)
class Computed:
    """The native result of the second run, the seconds of the first, and where the two differ."""

    problem: Problem
    native: Any
    seconds: dict[str, float]
    differs: str | None


def _computed(case: Case, cell: Cell, settings: Settings, quick: bool, before: Fingerprint) -> Result | Computed:
    """What the implementation returns, or the outcome where there is nothing to judge."""
    implementation, stage = cell.declared, Stage.PROBLEM
    try:
        absent = _execute.missing_framework(implementation.framework)
        if absent:
            return result(cell, Outcome.UNSUPPORTED, absent)
        before.look_at(case)
        problem = _problem.problem(case, cell.quantity, implementation.framework, dtype=cell.dtype, device=cell.device)
        stage = Stage.EXACT
        unmet = _execute.unmet(problem, implementation)
        if unmet:
            return result(cell, Outcome.UNSUPPORTED, unmet)
        stage = Stage.IMPLEMENTATION
        with memory_limit(settings.memory):
            return _twice(cell, problem, implementation, quick)
    except BaseException as error:  # an implementation may raise anything, SystemExit too
        return ended(cell, error, stage)


def ended(cell: Cell, error: BaseException, stage: Stage) -> Result:
    """The result of a cell that ended with an exception; a traceback where foreign code raised it."""
    found = failed(cell, classify(error, stage))
    found.text = exception_trace(error) if found.outcome is Outcome.RAISED else None
    return found


def failed(cell: Cell, failure: Failure) -> Result:
    """The result of a cell that ended so."""
    return result(cell, failure.outcome, failure.reason, fault=failure.fault)


def result(cell: Cell, outcome: Outcome, reason: str | None = None, **more: Any) -> Result:
    """The result of a cell that is not judged."""
    reason = None if reason is None else one_line(reason, REASON)
    return Result(
        id=cell.id, case=cell.case, quantity=cell.quantity, implementation=cell.implementation,
        framework=cell.declared.framework, dtype=cell.dtype, device=cell.device, outcome=outcome, reason=reason,
        convention=_unusual(cell.declared.convention), **more,
    )  # fmt: skip


def _twice(cell: Cell, problem: Problem, implementation: Implementation, quick: bool) -> Result | Computed:
    before = problem.snapshot()
    seconds, copies, native = {}, [], None
    for _ in range(2):
        execution = _execute.execute(problem, implementation, quick=quick)
        changed = problem.changed(before)
        if changed:
            return result(cell, *changed)
        native, seconds = execution.result, seconds or execution.seconds
        # Copies, since an implementation may hand out the same buffer twice.
        copies.append(copied(native, cell.dtype))
    differs = None if None in copies else _difference(*copies)
    if differs and cell.device == "cpu":
        return result(cell, Outcome.NONDETERMINISTIC, differs, seconds=seconds)
    return Computed(problem, native, seconds, differs)


def _with_verdict(found: Result, verdict: Verdict, checks: dict[str, str]) -> Result:
    found.ratio, found.ratio_F, found.worst = _number(verdict.ratio), _number(verdict.ratio_F), verdict.worst
    found.diagnosis, found.checks = list(verdict.diagnosis), {**verdict.checks, **checks}
    found.nonzero, found.decided, found.text = verdict.nonzero, verdict.decided, verdict.text
    found.reason = verdict.reason
    found.resolution = None if verdict.resolution is None else [number(seen) for seen in verdict.resolution]
    return found


def _number(value: float | None) -> float | str | None:
    return None if value is None else number(value)


def _difference(first: dict[str, np.ndarray], second: dict[str, np.ndarray]) -> str | None:
    """Where two runs differ in a bit."""
    if first.keys() != second.keys():
        return f"the first run returned {sorted(first)}, the second {sorted(second)}"
    for path, one in first.items():
        two = second[path]
        if one.shape != two.shape:
            return f"the first run returned shape {one.shape}, the second {two.shape}"
        if one.tobytes() != two.tobytes():
            index = tuple(int(i) for i in np.argwhere(one != two)[0]) if np.any(one != two) else ()
            return f"two runs differ, first at {path}{list(index)}: {one[index].item()!r} and {two[index].item()!r}"
    return None


def _unusual(convention: Convention) -> Convention | None:
    return None if convention == Convention() else convention
