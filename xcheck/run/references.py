"""References that the cells need are made first, in processes that cannot import torch or jax."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from xcheck import _rebuild, _reference
from xcheck._address import data_dtype
from xcheck._load import load_cases
from xcheck.case import Case
from xcheck.quantities import load_quantities
from xcheck.result import Outcome
from xcheck.run.classify import Stage, classify
from xcheck.run.plan import Cell
from xcheck.run.pool import Failure, run_isolated

Wanted = tuple[str, str, str]  # case, quantity, dtype

#: A reference is exact arithmetic on a whole case: minutes for the largest.
SECONDS = 1800.0


def make_references(
    cells: Iterable[Cell],
    folder: str | None,
    *,
    workers: int,
    announce: Callable[[str, int], None] | None = None,
) -> dict[Wanted, Failure]:
    """Makes and stores what is missing; returns what cannot be made, and why."""
    missing = [(one, folder) for one in missing_references(cells, folder)]
    if missing and announce:
        announce("making references in exact arithmetic", len(missing))
    refused: dict[Wanted, Failure] = {}
    for (one, _), came in run_isolated(
        make, missing, workers=workers, seconds=SECONDS, start=start, arguments=(folder,)
    ):
        if isinstance(came, Failure):
            refused[one] = replace(came, outcome=Outcome.NO_REFERENCE, reason=_reason(came))
    return refused


def _reason(came: Failure) -> str:
    made = came.outcome is Outcome.NO_REFERENCE
    return came.reason if made else f"making the reference {came.outcome}: {came.reason}"


def missing_references(cells: Iterable[Cell], folder: str | None) -> list[Wanted]:
    """What the cells want and is not stored; values too, since scales are written in the number of outputs."""
    cases = load_cases(folder)
    wanted = dict.fromkeys(
        (case, name, dtype)
        for case, quantity, dtype in (wanted_by(cell, cases[cell.case]) for cell in cells)
        for name in (quantity, "value")
        if name in cases[case].quantities
    )
    return [one for one in wanted if _missing(cases, one)]


def _missing(cases: Mapping[str, Case], wanted: Wanted) -> bool:
    case, quantity, dtype = wanted
    try:
        return _reference.missing(cases[case], load_quantities()[quantity], dtype)
    except Exception:  # a program that exact arithmetic cannot run; why is told where its reference is made
        return True


def wanted_by(cell: Cell, case: Case) -> Wanted:
    """Dtypes share one reference where they hold the same numbers of the case."""
    try:
        return cell.case, cell.quantity, data_dtype(case.part(cell.quantity), cell.dtype)
    except Exception:  # a program that exact arithmetic cannot run; why is told where its reference is made
        return cell.case, cell.quantity, cell.dtype


def start(folder: str | None) -> None:
    """No framework can take part in a reference: both names are barred before anything else is loaded."""
    sys.modules["torch"] = sys.modules["jax"] = None  # type: ignore[assignment]
    load_quantities()
    load_cases(folder)


def rebuild_all(
    wanted: Iterable[tuple[str, str]], folder: str | None, *, workers: int
) -> Iterator[tuple[str, str | None]]:
    """Makes references again and compares: "case/quantity" and what does not agree, as they end."""
    tasks = [((case, quantity, "float64"), folder) for case, quantity in wanted]
    for ((case, quantity, _), _), came in run_isolated(
        rebuild_one, tasks, workers=workers, seconds=SECONDS, start=start, arguments=(folder,)
    ):
        yield f"{case}/{quantity}", f"{came.outcome}: {came.reason}" if isinstance(came, Failure) else came


def rebuild_one(task: tuple[Wanted, str | None]) -> str | None:
    """Makes one reference again; returns what does not agree with the stored one."""
    (case, quantity, dtype), folder = task
    return _rebuild.rebuild(load_cases(folder)[case], load_quantities()[quantity], dtype)


def make(task: tuple[Wanted, str | None]) -> Failure | None:
    """Makes one reference; returns why there is none."""
    (case, quantity, dtype), folder = task
    try:
        _reference.ensure(load_cases(folder)[case], load_quantities()[quantity], dtype)
    except Exception as error:
        return classify(error, Stage.EXACT)
    return None
