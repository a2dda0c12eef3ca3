"""The scoreboard: every adapter of `xcheck.libraries` judged, what each library is, and what it leaves behind."""

from __future__ import annotations

import importlib
import shlex
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec

from xcheck import _execute, _problem
from xcheck._errors import MissingFramework, Unsupported
from xcheck._files import read_json
from xcheck._load import load_cases
from xcheck.libraries import LIBRARIES
from xcheck.libraries._torch import lend
from xcheck.quantities import load_quantities
from xcheck.quantity import implementations
from xcheck.result import Document, Result
from xcheck.run import Watcher, run
from xcheck.run.journal import checked
from xcheck.run.pool import Failure, run_isolated
from xcheck.run.results import Results
from xcheck.run.settings import Settings

#: A small module with two outputs: what a library leaves behind in it is looked at.
LOOKED_AT = "linear_gaussian_3_2"


class Library(msgspec.Struct, kw_only=True):
    """One library: its version, why it was not run (None if it was), and what it leaves behind, by quantity."""

    name: str
    distribution: str
    version: str | None
    not_run: str | None
    leaves: dict[str, str] = msgspec.field(default_factory=dict)


class Scoreboard(Document, kw_only=True):
    """The file `reports/libraries.json`: that of a run, the libraries, and the size n p of each case."""

    libraries: list[Library] = msgspec.field(default_factory=list)
    sizes: dict[str, int] = msgspec.field(default_factory=dict)


def scoreboard(
    settings: Settings,
    watcher: Watcher | None = None,
    jobs: int | None = None,
    journal: Path | None = None,
    save: Callable[[Scoreboard], None] | None = None,
) -> Scoreboard:
    """Judges every adapter, or those of one library if `settings.adapter` says so; a killed run goes on.

    `save` keeps the scoreboard before the journal counts as finished.
    """
    adapter = settings.adapter or "xcheck.libraries"
    names = [name for name in LIBRARIES if adapter in ("xcheck.libraries", f"xcheck.libraries.{name}")]
    looked = dict(run_isolated(look, names, workers=1, seconds=10 * settings.seconds))
    libraries = [_library(name, looked[name]) for name in names]
    sizes = {name: case.n * case.p for name, case in load_cases(settings.folder).items()}

    def board(results: Results) -> Scoreboard:
        document = results.document
        for result in document.results:
            module = implementations(result.quantity)[result.implementation].module
            folder = f" --cases {shlex.quote(settings.folder)}" if settings.folder else ""
            result.reproduce = f"xcheck explain {result.id} --adapter {module}{folder}"
        fields = {field: getattr(document, field) for field in document.__struct_fields__}
        return Scoreboard(**fields, libraries=libraries, sizes=sizes)

    def keep(results: Results) -> None:
        if save is not None:
            save(board(results))

    wanted = msgspec.structs.replace(settings, adapter=adapter)
    return board(run(wanted, jobs=jobs, journal=journal, watcher=watcher, save=keep))


def library_of(result: Result) -> str | None:
    """The library that a result is of, as its adapter is called in the line that reproduces it."""
    _, _, adapter = result.reproduce.partition("--adapter xcheck.libraries.")
    return adapter.split()[0] if adapter else None


def added(old: Scoreboard, new: Scoreboard) -> Scoreboard:
    """The old scoreboard with the cells of the new one in place of its own.

    Cells that were not run again stay, unless the library has another version now; so does a library that ran
    elsewhere and cannot be imported here.
    """
    before = {library.name: library for library in old.libraries}
    reasons = {one.name: one.not_run for one in old.libraries}
    elsewhere = {one.name for one in new.libraries if one.not_run and reasons.get(one.name, "new") is None}
    libraries = before | {one.name: one for one in new.libraries if one.name not in elsewhere}
    upgraded = {name for name, one in before.items() if libraries[name].version != one.version}
    ran = {(library_of(one), one.id): one for one in new.results if library_of(one) not in elsewhere}
    kept = {(library_of(one), one.id): one for one in old.results if library_of(one) not in upgraded}
    return msgspec.structs.replace(
        old, results=list((kept | ran).values()), libraries=list(libraries.values()), sizes=old.sizes | new.sizes
    )


def _library(name: str, found: tuple[str | None, dict[str, str]] | Failure) -> Library:
    reason, leaves = (found.reason, {}) if isinstance(found, Failure) else found
    distribution = LIBRARIES[name][1]
    try:
        known: str | None = version(distribution)
    except PackageNotFoundError:
        known = None
    return Library(name=name, distribution=distribution, version=known, not_run=reason, leaves=leaves)


def look(name: str) -> tuple[str | None, dict[str, str]]:
    """In a worker: why the library cannot be imported, and what each adapter of it leaves behind in a lent module."""
    try:
        importlib.import_module(LIBRARIES[name][0])
    except Exception as error:  # whatever an import raises is the reason
        return f"{type(error).__name__}: {error}", {}
    importlib.import_module(f"xcheck.libraries.{name}")
    load_cases()  # case files register closed forms, which must not happen while the registry is gone through
    mine = [
        implementation
        for quantity in load_quantities()
        for implementation in implementations(quantity).values()
        if implementation.module == f"xcheck.libraries.{name}" and implementation.framework == "torch"
    ]
    left = {f"{one.quantity}/{one.name}": _left(one.quantity, one.name) for one in mine}
    return None, {name: said for name, said in left.items() if said is not None}


def _left(quantity: str, name: str) -> str | None:
    implementation = implementations(quantity)[name]
    if quantity not in load_cases()[LOOKED_AT].quantities:
        return None
    problem = _problem.problem(LOOKED_AT, quantity, "torch")
    before, kind = problem.snapshot(), type(problem.module)
    try:
        with lend():
            _execute.execute(problem, implementation)
    except (Unsupported, MissingFramework):
        return None
    except Exception as error:  # a failure is told by the cells; here only what is left counts
        return f"raised {type(error).__name__}"
    changed = problem.changed(before)
    return changed[1] if changed else "changed: its class" if type(problem.module) is not kind else None


def read_scoreboard(path: Path) -> Scoreboard:
    """What `xcheck libraries` wrote.

    Raises:
        StoreError: there is no such file, or it is damaged.
    """
    return checked(read_json(path, Scoreboard, "scoreboard", "xcheck libraries writes it"), path)
