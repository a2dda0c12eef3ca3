"""work: what a worker process does with one cell."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable
from itertools import count
from typing import Any

import numpy as np

from xcheck import _execute, _problem
from xcheck._errors import MissingFramework, NoReference, Undecidable, UnknownPrimitive, Unsupported
from xcheck._judge import Verdict
from xcheck._lazy import installed
from xcheck._load import load_cases
from xcheck._problem import Problem
from xcheck._tree import leaves
from xcheck.case import Case
from xcheck.diagnose import judge
from xcheck.quantities import load_quantities
from xcheck.quantity import FRAMEWORKS, Implementation
from xcheck.result import Convention, Outcome, Result, number
from xcheck.run.limits import memory_limit, out_of_memory, return_memory
from xcheck.run.lines import lines
from xcheck.run.plan import Cell
from xcheck.run.pool import exception_line
from xcheck.run.settings import Settings
from xcheck.run.settle import explain_arguments

Task = tuple[Cell, Settings]

#: Eager JAX keeps a program for each operation, ten megabytes and thirty memory maps a cell, and a process may have
#: 65,530 maps.
RELEASE_AFTER = 100
_served = count(1)


def start(folder: str | None, modules: Iterable[str], frameworks: Iterable[str], scratch: str) -> None:
    """Prepares a worker: everything that is slow to import is imported before the first cell's clock runs.

    `scratch` is a folder that the workers of one run share, and no other run.
    """
    load_quantities()
    load_cases(folder)
    for module in modules:
        importlib.import_module(module)
    for framework in frameworks:
        if installed(framework):
            _problem.adapter(framework).prepare_worker(scratch)


def serve(task: Task) -> Result:
    """`work` in a process of its own, which after every RELEASE_AFTER cells lets go of what it compiled."""
    found = work(task)
    if next(_served) % RELEASE_AFTER == 0:
        for framework in FRAMEWORKS:
            if framework in sys.modules:
                _problem.adapter(framework).release()
        return_memory()
    return found


def work(task: Task) -> Result:
    """One cell, computed twice and judged.

    Below the full tier XLA compiles with its least effort, which is most of such a run; whatever fails is compiled
    once more by XLA's defaults and judged by that.

    Raises:
        XCheckError: xcheck itself cannot go on (a damaged reference, a guard that failed); that ends the run.
    """
    cell, settings = task
    case, quick = load_cases(settings.folder)[cell.case], settings.tier != "full"
    found = judged(case, cell, settings, quick=quick)
    again = found.outcome.failed and quick and cell.declared.variant == "jit"
    return judged(case, cell, settings, quick=False) if again else found


def judged(case: Case, cell: Cell, settings: Settings, *, quick: bool, reproduce: str | None = None) -> Result:
    """One cell of a case, computed twice in this process and judged; `quick` as `xcheck._execute.execute` has it."""
    implementation = cell.declared
    try:
        problem = _problem.problem(case, cell.quantity, implementation.framework, dtype=cell.dtype, device=cell.device)
        unmet = _execute.unmet(problem, implementation)
        if unmet:
            return result(cell, Outcome.UNSUPPORTED, unmet)
        with memory_limit(settings.memory):
            computed = _twice(cell, problem, implementation, quick)
    except (Unsupported, MissingFramework) as error:
        return result(cell, Outcome.UNSUPPORTED, str(error))
    except BaseException as error:  # an implementation may raise anything, SystemExit too
        kind = Outcome.OUT_OF_MEMORY if out_of_memory(error) else Outcome.RAISED
        return result(cell, kind, exception_line(error))
    if isinstance(computed, Result):
        return computed
    native, seconds, differs = computed
    try:
        verdict = judge(
            native, case, cell.quantity, dtype=cell.dtype, framework=implementation.framework,
            convention=implementation.convention, normwise=implementation.normwise,
            reproduce=reproduce or f"xcheck explain {explain_arguments(cell.id, settings)}",
        )  # fmt: skip
    except (NoReference, Undecidable, UnknownPrimitive) as error:
        return result(cell, Outcome.NO_REFERENCE, exception_line(error))
    checks = {"determinism": f"note: {differs}" if differs else "ok"}
    if verdict.outcome in (Outcome.AGREES, Outcome.DISAGREES):
        checks |= lines(native, problem, implementation, quick)
    return _with_verdict(result(cell, verdict.outcome, seconds=seconds), verdict, checks)


def result(cell: Cell, outcome: Outcome, reason: str | None = None, **more: Any) -> Result:
    """The result of a cell that is not judged."""
    return Result(
        id=cell.id, case=cell.case, quantity=cell.quantity, implementation=cell.implementation,
        framework=cell.declared.framework, dtype=cell.dtype, device=cell.device, outcome=outcome, reason=reason,
        convention=_unusual(cell.declared.convention), **more,
    )  # fmt: skip


def _twice(
    cell: Cell, problem: Problem, implementation: Implementation, quick: bool
) -> Result | tuple[Any, dict[str, float], str | None]:
    """The native result of the second run, the seconds of the first, and where the two differ."""
    before = problem.snapshot()
    seconds, copies, native = {}, [], None
    for _ in range(2):
        execution = _execute.execute(problem, implementation, quick=quick)
        changed = problem.changed(before)
        if changed:
            return result(cell, *changed)
        native, seconds = execution.result, seconds or execution.seconds
        # Copies, since an implementation may hand out the same buffer twice.
        copies.append(_copied(cell, native))
    differs = _difference(*copies)
    if differs and cell.device == "cpu":
        return result(cell, Outcome.NONDETERMINISTIC, differs, seconds=seconds)
    return native, seconds, differs


def _with_verdict(found: Result, verdict: Verdict, checks: dict[str, str]) -> Result:
    found.ratio, found.ratio_F, found.worst = _number(verdict.ratio), _number(verdict.ratio_F), verdict.worst
    found.diagnosis, found.checks = list(verdict.diagnosis), {**verdict.checks, **checks}
    found.nonzero, found.decided, found.text = verdict.nonzero, verdict.decided, verdict.text
    found.reason = verdict.reason
    found.resolution = None if verdict.resolution is None else [number(seen) for seen in verdict.resolution]
    return found


def _number(value: float | None) -> float | str | None:
    return None if value is None else number(value)


def _copied(cell: Cell, native: Any) -> dict[str, np.ndarray]:
    arrays = _problem.adapter(cell.declared.framework).to_numpy(native)
    return {path: np.array(leaf) for path, leaf in leaves(arrays).items()}


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
