"""run: every selection judged, measured and kept; a killed run with the same settings goes on where it stopped."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from itertools import product
from pathlib import Path
from queue import SimpleQueue

import msgspec

from xcheck._errors import UsageError
from xcheck._execute import missing_package
from xcheck._load import load_cases, shipped_folder
from xcheck.bench.ask import Lost, ask
from xcheck.bench.combine import combine
from xcheck.bench.facts import import_seconds, revision
from xcheck.bench.messages import Answer, Request
from xcheck.bench.networks import network, sizes
from xcheck.bench.ready import candidates
from xcheck.bench.scaling import AXES
from xcheck.bench.schema import Bench, Cell, Group, Line, Measured, key
from xcheck.bench.tables import Selection, table
from xcheck.quantities import load_quantities
from xcheck.quantity import FRAMEWORKS
from xcheck.result import Outcome, matches
from xcheck.run import Watcher
from xcheck.run.devices import find_devices
from xcheck.run.journal import Journal
from xcheck.run.machine import cores, machine, sources, versions

#: Seconds beyond the budget that a child may take to import, compile and warm up.
GRACE = 300.0


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What to measure and how long: globs narrow the tables, `budget` is seconds of rounds for each process.

    Each group is timed in `processes` fresh ones; a group of a scaling table in one, as a law is fitted through six.
    """

    tables: tuple[str, ...] = ("linear", "networks", "modes", "products", "scaling")
    case: str = "*"
    quantity: str = "*"
    implementation: str = "*"
    dtypes: tuple[str, ...] = ("float32",)
    devices: tuple[str, ...] = ("cpu",)
    threads: tuple[int, ...] = (1,)
    budget: float = 20.0
    timeout: float = 120.0
    memory: int = 12288
    processes: int = 1
    apart: bool = True


def selections(settings: Settings) -> list[Selection]:
    """The groups that the settings leave, each once.

    Raises:
        UsageError: none is left.
    """
    kept: dict[str, Selection] = {}
    for name in settings.tables:
        for one in table(name).selections:
            if matches(one.group.case, settings.case) and matches(one.group.quantity, settings.quantity):
                for dtype, device, threads in _arithmetics(settings):
                    group = msgspec.structs.replace(one.group, dtype=dtype, device=device, threads=threads)
                    kept.setdefault(key(one.table, group), replace(one, group=group))
    if not kept:
        raise UsageError(
            f"no group of {', '.join(settings.tables)} has a case {settings.case!r} and a quantity "
            f"{settings.quantity!r}; leave out one of them to see what there is"
        )
    return list(kept.values())


def _arithmetics(settings: Settings) -> Iterator[tuple[str, str, int]]:
    """Every dtype, device and number of threads that go together: TF32 is a way of CUDA, where float32 brings it."""
    for dtype, device, threads in product(settings.dtypes, settings.devices, settings.threads):
        if dtype != "tf32" or device != "cpu":
            yield dtype, device, threads
        if dtype == "float32" and device != "cpu" and "tf32" not in settings.dtypes:
            yield "tf32", device, threads


def bench(
    settings: Settings,
    journal: Path | None = None,
    watcher: Watcher | None = None,
    save: Callable[[Bench], None] | None = None,
) -> Bench:
    """Measures what the settings select; `save` keeps it before the journal counts as finished."""
    watcher = watcher or Watcher()
    load_quantities()
    available = find_devices(settings.devices, watcher.note)
    settings = msgspec.structs.replace(settings, devices=available.devices)
    chosen = selections(settings)
    head = Bench(
        machine=machine() | {"imports": {name: import_seconds(name) for name in FRAMEWORKS}, "revision": revision()},
        versions=versions() | {"sources": sources(shipped_folder(), [])},
        settings=msgspec.json.decode(msgspec.json.encode(settings)),
    )
    # Of what the run is, the load and the import times of the machine are no part: they change while it goes on.
    book = journal and Journal(journal, Bench(versions=head.versions, settings=head.settings), Line)
    with book or nullcontext(), tempfile.TemporaryDirectory(prefix="xcheck-") as scratch:
        known = {line.measured.key: line for line in book.found} if book else {}
        if known:
            watcher.note(f"{len(known)} of {len(chosen)} groups taken over from the unfinished run in {journal}")
        watcher.stage("measuring", len(chosen))
        for selection in chosen:
            line = known.get(key(selection.table, selection.group))
            if line is None:
                line = measure(selection, settings, scratch, head)
                if book:
                    book.add(line)
                if line.note:
                    watcher.note(line.note)
            head.groups.append(line.measured)
            head.notes += [line.note] if line.note else []
            watcher.step()
        if save:
            save(head)
        if book:
            book.finish()
    return head


def measure(selection: Selection, settings: Settings, scratch: str, head: Bench) -> Line:
    """One group: trials first, then rounds of those that are fit, in `processes` fresh processes."""
    group = selection.group
    case = network(group.case)
    found = sizes(case, group.dtype)
    measured = Measured(
        group=group, table=selection.table, processes=1 if selection.table in AXES else settings.processes,
        sizes={"n": found.n, "c": found.c, "d": found.d, "p": found.p},
    )  # fmt: skip
    names = [name for name in _who(group) if selection.takes(name) and matches(name, settings.implementation)]
    if not names:
        return Line(measured, f"left out: {group.id}, which nobody here computes")
    known = candidates(group.quantity, group.device)
    absent = {name: missing_package(known[name]) for name in names}
    measured.cells = [_lost(group, name, Outcome.UNSUPPORTED, why) for name, why in absent.items() if why]
    here = [name for name in names if not absent[name]]
    parts = [[name] for name in here] if settings.apart else [here]
    asked = Request(task="trial", group=group, memory=settings.memory, scratch=scratch)
    measured.cells += _tried(asked, parts, settings.timeout)
    fit = for_rounds(measured.cells, settings.budget)
    if not fit:
        tried = [cell for cell in measured.cells if cell.outcome is not Outcome.UNSUPPORTED] or measured.cells
        return Line(measured, f"nothing to time in {group.id}: {tried[0].implementation}: {tried[0].reason}")
    right = [cell for cell in fit if cell.outcome is Outcome.AGREES] or fit
    by_speed = sorted(right, key=lambda cell: cell.again or 0.0)
    named = [cell for cell in right if cell.implementation == selection.baseline]
    measured.baseline = (named or by_speed)[0].implementation
    answers: list[Answer] = []
    for seed in range(measured.processes):
        request = Request(
            task="rounds", group=group, implementations=[cell.implementation for cell in fit], scratch=scratch,
            baseline=measured.baseline, budget=settings.budget, seed=seed, memory=settings.memory,
        )  # fmt: skip
        try:
            answers.append(ask(request, settings.budget * 2 + GRACE))
        except Lost as lost:
            return Line(measured, f"not timed: {group.id}: {lost}")
    combine(measured, answers, load_quantities()[group.quantity], found)
    head.machine["process"] = answers[-1].facts
    return Line(measured)


def for_rounds(cells: Iterable[Cell], budget: float) -> list[Cell]:
    """Those whose call is short beside the budget; where no call is, those that may be the fastest: within twice it."""
    done = [(cell.again, cell) for cell in cells if cell.again is not None]
    short = [cell for again, cell in done if again < budget / 3]
    fastest = min((again for again, cell in done if cell.outcome is Outcome.AGREES), default=0.0)
    return short or [cell for again, cell in done if again <= 2 * fastest]


def _who(group: Group) -> Iterable[str]:
    """Implementations that are meant for the case; closed forms are registered by the case's own file."""
    load_cases()
    return [name for name, one in candidates(group.quantity, group.device).items() if matches(group.case, one.cases)]


def _tried(asked: Request, parts: list[list[str]], seconds: float) -> list[Cell]:
    """The cells of each part, tried in a process of its own; as many at once as there are cores for them."""
    places: SimpleQueue[int] = SimpleQueue()
    together = max(1, cores() // asked.group.threads) if asked.group.device == "cpu" else 1
    for place in range(together):
        places.put(place)

    def one(part: list[str]) -> list[Cell]:
        place = places.get()
        try:
            request = msgspec.structs.replace(asked, implementations=part, place=place)
            return ask(request, seconds * len(part) + GRACE / 5).cells
        except Lost as lost:
            outcome = Outcome.TIMED_OUT if lost.timed_out else Outcome.CRASHED
            return [_lost(asked.group, name, outcome, str(lost)) for name in part]
        finally:
            places.put(place)

    with ThreadPoolExecutor(together) as pool:
        return [cell for cells in pool.map(one, parts) for cell in cells]


def _lost(group: Group, name: str, outcome: Outcome, reason: str) -> Cell:
    made = candidates(group.quantity, group.device)[name]
    return Cell(
        implementation=name, framework=made.framework, variant=made.variant, outcome=outcome, reason=reason
    )  # fmt: skip
