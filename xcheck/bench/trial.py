"""trial: cells judged before they are timed, with the seconds of the first call, and of a later one with its memory."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from xcheck._execute import unmet
from xcheck._judge import LIMIT, Verdict
from xcheck._problem import problem
from xcheck._receive import copied
from xcheck.bench.memory import compiled_bytes, peak_bytes, result_bytes
from xcheck.bench.messages import Answer, Request
from xcheck.bench.networks import network
from xcheck.bench.ready import Ready, arithmetic, find, make_ready, verdict
from xcheck.bench.schema import Cell, Group
from xcheck.quantity import Implementation
from xcheck.result import Outcome, number
from xcheck.run.classify import Stage, classify
from xcheck.run.limits import memory_limit

#: Seconds of a first call beyond which a trial calls only once more.
SLOW = 10.0


def trial(request: Request) -> Answer:
    """Each implementation of the request."""
    declared = find(request.group)[2]
    scratch = Path(request.scratch)
    cells = [try_one(request.group, declared(name), request.memory, scratch) for name in request.implementations]
    return Answer(cells=cells)


def try_one(group: Group, made: Implementation, memory: int, scratch: Path) -> Cell:
    """One cell, judged; whatever it raises is its outcome."""
    cell = Cell(implementation=made.name, framework=made.framework, variant=made.variant, outcome=Outcome.UNSUPPORTED)
    stage = Stage.PROBLEM
    try:
        base = problem(network(group.case), group.quantity, made.framework, dtype=group.dtype, device=group.device)
        stage = Stage.EXACT
        cell.reason = unmet(base, made)
        if cell.reason:
            return cell
        stage = Stage.IMPLEMENTATION
        with arithmetic(group, (made.framework,)), memory_limit(memory):
            ready = make_ready(group, made)
            later = _fill_in(cell, ready, group)
    except BaseException as error:  # an implementation may raise anything
        failure = classify(error, stage)
        cell.outcome, cell.reason = failure.outcome, failure.reason
        return cell
    found, cell.judged_by = verdict(ready.result, group, made, scratch)
    # What a call leaves behind in a model or a cache is seen in the next one.
    again = "" if not found or _same(ready.result, later, group.dtype) else "at a later call: "
    if again:
        found, _ = verdict(later, group, made, scratch)
    cell.outcome = found.outcome
    cell.judged_ratio = None if found.ratio is None else number(found.ratio)
    if not found:
        cell.reason = again + (found.reason or "; ".join(part.text for part in found.diagnosis) or _far(found))
    return cell


def _fill_in(cell: Cell, ready: Ready, group: Group) -> Any:
    """What is known before the rounds; gives the result of a later call at the first inputs."""
    cell.prepare, cell.first, cell.result_bytes = ready.prepare, ready.first, result_bytes(ready.result)
    found: list[Any] = []

    def call() -> float:
        found.clear()
        start = perf_counter()
        found.append(ready.body.synchronise(ready.body.launch(0)))
        return perf_counter() - start

    if ready.first < SLOW:  # what else would be compiled or kept at other inputs is little beside a slow call
        ready.body.synchronise(ready.body.launch(1))
    cell.again, cell.peak = peak_bytes(call, group, cell.framework)
    if cell.variant == "jit":
        cell.compiled_bytes = compiled_bytes(ready.function, ready.arguments)
    return found[0]


def _same(one: Any, other: Any, dtype: str) -> bool:
    """Whether two results are equal, bit for bit but for the sign of zero."""
    first, second = copied(one, dtype), copied(other, dtype)
    if first is None or second is None or first.keys() != second.keys():
        return False
    return all(np.array_equal(leaf, second[path], equal_nan=True) for path, leaf in first.items())


def _far(found: Verdict) -> str:
    """Both ratios: what is shared by all entries shows in the norm."""
    if found.ratio is None or found.ratio_F is None:
        return "no ratio"
    return f"ratio {found.ratio:.3g} (limit {LIMIT:g}), ratio_F {found.ratio_F:.3g} (limit {LIMIT:g})"
