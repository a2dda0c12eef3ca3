"""verify: plan the cells, execute them in worker processes, journal them."""

from __future__ import annotations

import multiprocessing.process
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from xcheck._arguments import refuse, words
from xcheck._errors import UsageError
from xcheck._files import encode
from xcheck._load import load_cases, shipped_folder
from xcheck.case import Case
from xcheck.quantities import load_quantities
from xcheck.quantity import Quantity
from xcheck.result import Document, Result
from xcheck.run.adapters import import_adapter, load_entry_points, modules_of
from xcheck.run.devices import find_devices
from xcheck.run.journal import Head, Journal
from xcheck.run.machine import machine, sources, versions, workers_of
from xcheck.run.plan import Cell, plan
from xcheck.run.pool import Failure, run_isolated
from xcheck.run.references import make_references, wanted_by
from xcheck.run.results import Results
from xcheck.run.settings import Settings
from xcheck.run.settle import explain_arguments, settle
from xcheck.run.work import failed, serve, start

Names = str | Case | Quantity | Collection["str | Case | Quantity"]

__all__ = ["Results", "Settings", "Watcher", "run", "verify"]


class Watcher:
    """Is told how a run goes; the terminal's report is one."""

    def note(self, text: str) -> None:
        """Something that the reader should know, in one line."""

    def stage(self, title: str, total: int) -> None:
        """A stage of the run begins, with so many steps."""

    def step(self) -> None:
        """One step of the stage is done."""

    def result(self, found: Result) -> None:
        """A cell has ended."""


def verify(
    cases: Names = "*",
    quantities: Names = "*",
    implementations: Names = "*",
    dtypes: tuple[str, ...] = ("float64", "float32"),
    devices: tuple[str, ...] = ("cpu",),
    *,
    adapter: str | None = None,
    folder: str | Path | None = None,
    tier: str = "standard",
    timeout: float | None = None,
    memory: int = 4096,
    jobs: int | None = None,
    journal: str | Path | None = None,
) -> Results:
    """Runs every cell that the globs select in worker processes, and judges it by its certified reference.

    Args:
        cases, quantities, implementations: globs of names, several separated by commas; or a Case, a Quantity, or a
            list of names and such objects.
        adapter: judge only the implementations of this module.
        folder: of case files, in place of the shipped cases.
        timeout, memory: the limits of one cell, in seconds (60, and 600 in the full tier, if not given) and MB.
        jobs: worker processes; one a core unless given.
        journal: a file that keeps each result at once; a killed run with the same settings goes on from it.

    Raises:
        UsageError: a name, a limit or a file is wrong, or no cell is selected.
    """
    loaded = load_cases(folder)
    settings = Settings(
        cases=_globs(cases, loaded), quantities=_globs(quantities, loaded),
        implementations=_globs(implementations, loaded), adapter=adapter, dtypes=words("dtypes", dtypes),
        devices=words("devices", devices),
        folder=None if folder is None else str(folder), tier=tier, timeout=timeout, memory=memory,
    )  # fmt: skip
    return run(settings, jobs=jobs, journal=journal)


def _globs(wanted: Names, loaded: Mapping[str, Case]) -> str:
    """Names with commas; a case must be the one that worker processes load."""
    if isinstance(wanted, str):
        return wanted
    if isinstance(wanted, Case) and loaded.get(wanted.name) is not wanted:
        raise UsageError(
            f"case {wanted.name!r} was made in this process, and workers load theirs from files; "
            "save it in a file, and pass its folder as folder=..."
        )
    if isinstance(wanted, (Case, Quantity)):
        return wanted.name
    if not isinstance(wanted, (list, tuple, set, frozenset)):
        raise refuse("what to verify", wanted, "globs of names, a Case or a Quantity, or a list of these")
    return ",".join(_globs(one, loaded) for one in wanted)


def run(
    settings: Settings,
    *,
    jobs: int | None = None,
    journal: str | Path | None = None,
    watcher: Watcher | None = None,
    save: Callable[[Results], None] | None = None,
) -> Results:
    """What `verify` does, told to a watcher; `save` keeps the results before the journal counts as finished."""
    if getattr(multiprocessing.process.current_process(), "_inheriting", False):
        raise UsageError(
            "verify starts worker processes, and each imports this script: call it under if __name__ == '__main__'"
        )
    workers = workers_of(jobs)
    watcher = watcher or Watcher()
    load_quantities()
    loaded = load_cases(settings.folder)
    if settings.adapter:
        import_adapter(settings.adapter)
    else:
        load_entry_points()
    available = find_devices(settings.devices, watcher.note)
    cells = plan(msgspec.structs.replace(settings, devices=available.devices), loaded, available.by_framework)
    head = _head(settings, cells)
    if journal is None:
        return _finished(head, cells, dict(_execute(cells, settings, workers, watcher)))
    with Journal(journal, head, Result) as book:
        found = {one.id: one for one in book.found}
        if found:
            watcher.note(f"{len(found)} of {len(cells)} results taken over from the unfinished run in {book.path}")
        for id_, one in _execute([cell for cell in cells if cell.id not in found], settings, workers, watcher):
            book.add(one)
            found[id_] = one
        results = _finished(head, cells, found)
        if save is not None:
            save(results)
        book.finish()
    return results


def _execute(cells: list[Cell], settings: Settings, workers: int, watcher: Watcher) -> Iterator[tuple[str, Result]]:
    refused = make_references(cells, settings.folder, workers=workers, announce=watcher.stage)
    watcher.stage("verifying", len(cells))
    cases = load_cases(settings.folder)
    wanted = {cell: wanted_by(cell, cases[cell.case]) for cell in cells} if refused else {}
    judged = {cell: refused[one] for cell, one in wanted.items() if one in refused}
    for cell, failure in judged.items():
        yield cell.id, _settled(failed(cell, failure), cell, settings, watcher)
    tasks = [(cell, settings) for cell in cells if cell not in judged]
    modules = modules_of(cell.declared for cell in cells)
    kinds = sorted({(cell.declared.framework, cell.declared.variant) for cell in cells})
    with TemporaryDirectory(prefix="xcheck-") as scratch:
        for (cell, _), came in run_isolated(
            serve, tasks, workers=workers, seconds=settings.seconds, start=start,
            arguments=(settings.folder, modules, kinds, scratch),
        ):  # fmt: skip
            one = failed(cell, came) if isinstance(came, Failure) else came
            yield cell.id, _settled(one, cell, settings, watcher)


def _settled(found: Result, cell: Cell, settings: Settings, watcher: Watcher) -> Result:
    settled = settle(found, cell.declared.limitations)
    settled.reproduce = f"xcheck explain {explain_arguments(cell.id, settings)}"
    watcher.result(settled)
    return settled


def _head(settings: Settings, cells: list[Cell]) -> Head:
    folder = shipped_folder() if settings.folder is None else Path(settings.folder)
    digest = sources(folder, modules_of(cell.declared for cell in cells))
    return Head(
        machine=machine(),
        versions={**versions(), "sources": digest},
        settings=msgspec.json.decode(encode(settings)),
    )


def _finished(head: Head, cells: list[Cell], found: Mapping[str, Result]) -> Results:
    return Results(
        Document(
            machine=head.machine, versions=head.versions, settings=head.settings,
            results=[found[cell.id] for cell in cells],
        )
    )  # fmt: skip
