"""Which test reaches which line of a room: one run of its tests on unchanged code, under coverage.

The processes that a test starts are counted as its own. What is found stays in reports/mutants until a source changes.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from time import perf_counter

import msgspec
import pytest

from mutants.child import Steady, forked, run_pytest
from mutants.hook.sitecustomize import test_of
from mutants.places import Mutant, shown
from mutants.rooms import ROOMS, ROOT

#: Seconds of tests, as they take on unchanged code, that one change may cost: the cheapest come first.
BUDGET = 90.0
SETTINGS = """[run]
data_file = {folder}/lines
source = {root}/xcheck
parallel = true
sigterm = true
disable_warnings = no-data-collected, couldnt-parse, module-not-measured, already-imported, not-measured
"""


class Reached(msgspec.Struct):
    """Seconds of every test of a room, and for every line the numbers of the contexts, "phase id", that ran it."""

    digest: str
    seconds: dict[str, float]
    contexts: list[str]
    lines: dict[str, dict[int, list[int]]]

    def tests(self, mutant: Mutant) -> list[str]:
        """Those that can notice a change, the cheapest first, within the budget."""
        lines = self.lines.get(shown(mutant.path), {})
        near = self._ran(lines, range(mutant.span[0], mutant.span[1] + 1))
        if mutant.at_import:  # what it makes is used elsewhere
            near = near | self._ran(lines, lines) or set(self.seconds)
        kept, spent = [], 0.0
        for test in sorted(near, key=lambda name: self.seconds[name]):
            spent += self.seconds[test]
            if spent > BUDGET and kept:
                break
            kept.append(test)
        return kept

    def _ran(self, lines: dict[int, list[int]], asked: Iterable[int]) -> set[str]:
        found = set()
        for number in {number for line in asked for number in lines.get(line, ())}:
            phase, _, test = self.contexts[number].partition(" ")
            # What a fixture of a file set up once is seen by every test of the file.
            file = test.partition("::")[0]
            found |= {test} if phase == "call" else {name for name in self.seconds if name.startswith(f"{file}::")}
        return found & set(self.seconds)


@dataclass(eq=False)
class Counting(Steady):
    """A plugin: every phase of every test is a context of its own."""

    coverage: object
    seconds: dict[str, float]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        start = perf_counter()
        found = yield
        self.seconds[item.nodeid] = perf_counter() - start
        return found

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        self.coverage.switch_context(test_of(f"{item.nodeid} (setup)"))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> None:
        self.coverage.switch_context(test_of(f"{item.nodeid} (call)"))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> None:
        self.coverage.switch_context(test_of(f"{item.nodeid} (teardown)"))


def reached(room: str, folder: Path) -> Reached:
    """What an earlier run found on these sources, or what a run now finds.

    Raises:
        SystemExit: a test fails on unchanged code.
    """
    path, now = folder / f"{room}.json", sources(room)
    if path.exists() and (known := msgspec.json.decode(path.read_bytes(), type=Reached)).digest == now:
        return known
    lines = folder / room
    lines.mkdir(parents=True, exist_ok=True)
    for old in lines.iterdir():
        old.unlink()
    settings = lines / "settings"
    settings.write_text(SETTINGS.format(folder=lines, root=ROOT))
    ended = forked(lambda: _count(room, settings, lines / "seconds"), lines / "said", cache=folder / "cache").wait()
    if ended != 0:
        said = (lines / "said").read_text(errors="replace").strip().splitlines()
        raise SystemExit(f"mutants: tests of the room {room} fail on unchanged code:\n" + "\n".join(said[-25:]))
    found = _read(now, settings, lines / "seconds")
    path.write_bytes(msgspec.json.encode(found))
    return found


def _count(room: str, settings: Path, seconds: Path) -> int:
    from coverage import Coverage

    os.environ["XCHECK_REACHED"] = str(settings)
    counted = Coverage(config_file=str(settings), data_suffix=True)
    counted.start()
    plugin = Counting(counted, {})
    ended = run_pytest([shown(path) for path in (*ROOMS[room].test_files, *ROOMS[room].files)], plugin)
    counted.stop()
    counted.save()
    seconds.write_bytes(msgspec.json.encode(plugin.seconds))
    return ended


def _read(now: str, settings: Path, seconds: Path) -> Reached:
    from coverage import Coverage

    whole = Coverage(config_file=str(settings))
    whole.combine()
    data = whole.get_data()
    numbers: dict[str, int] = {}
    lines: dict[str, dict[int, list[int]]] = {}
    for file in data.measured_files():
        by_line = {
            line: [numbers.setdefault(one, len(numbers)) for one in names if one.startswith(("setup", "call"))]
            for line, names in data.contexts_by_lineno(file).items()
        }
        lines[shown(Path(file))] = {line: found for line, found in by_line.items() if found}
    return Reached(now, msgspec.json.decode(seconds.read_bytes()), list(numbers), lines)


def sources(room: str) -> str:
    """A hash of all that this depends on: the package, the cases, the tests of the room."""
    found = sha256()
    for path in sorted([*ROOT.glob("xcheck/**/*.py"), *ROOT.glob("cases/*.py"), *ROOMS[room].test_files]):
        found.update(shown(path).encode() + path.read_bytes())
    return found.hexdigest()
