"""One change: the tests that reach it run on the changed code, until one fails."""

from __future__ import annotations

import difflib
import os
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import msgspec
import pytest

from mutants.child import BROKEN, Child, Chosen, forked, run_pytest
from mutants.hook import sitecustomize
from mutants.places import Mutant, shown
from mutants.reached import Reached


class Fate(msgspec.Struct, kw_only=True):
    """What became of a change: killed (by a test, or because the tests did not end), survived, or declared equal."""

    room: str
    file: str
    line: int
    operator: str
    key: str
    fate: str
    tests: int
    seconds: float
    by: str = ""
    diff: str = ""


@dataclass(eq=False)
class Trial:
    """A change that is being tried."""

    mutant: Mutant
    tests: list[str]
    said: Path
    child: Child
    start: float
    limit: float

    def fate(self) -> Fate | None:
        """None while it runs.

        Raises:
            SystemExit: the trial itself failed, which must not pass for a change that was noticed.
        """
        late = monotonic() - self.start > self.limit
        if not self.child.ended() and not late:
            return None
        if late and self.child.status is None:
            self.child.stop()
            return told(self.mutant, "killed", len(self.tests), monotonic() - self.start, "the tests did not end")
        if self.child.status == BROKEN:
            raise SystemExit(f"mutants: the trial itself failed, not a test:\n{self.said.read_text(errors='replace')}")
        # A change that only renames the parameters of its tests, so that none is found, has been noticed by nobody.
        survived = self.child.status in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
        failed = [
            line for line in self.said.read_text(errors="replace").splitlines() if line.startswith(("FAILED", "ERROR"))
        ]
        by = "" if survived else (failed[0][:200] if failed else f"exit code {self.child.status}")
        fate = "survived" if survived else "killed"
        return told(self.mutant, fate, len(self.tests), monotonic() - self.start, by)


def start(mutant: Mutant, reached: Reached, folder: Path, lane: int, *, changed: bool = True) -> Trial:
    """Starts the tests of a change; `lane` is a number that no other trial has at this time."""
    tests, own = reached.tests(mutant), folder / f"lane{lane}"
    own.mkdir(parents=True, exist_ok=True)
    source, copy, said = mutant.source, own / "changed.py", own / "said"

    def work() -> int:
        if changed:
            assert source is not None
            copy.write_text(source)
            os.environ["XCHECK_MUTANT"] = f"{mutant.path}:{copy}"
            sitecustomize.change(str(mutant.path), source)
        chosen = Chosen(tests)
        return run_pytest(chosen.files, chosen, "-x", f"--basetemp={own / 'tmp'}") if tests else 0

    expected = sum(reached.seconds[test] for test in tests)
    child = forked(work, said, cache=folder / "cache", own_cache=own / "cache")
    return Trial(mutant, tests, said, child, monotonic(), 4 * expected + 60)


def control(mutant: Mutant, reached: Reached, folder: Path) -> None:
    """The same without the change: an installation that has broken since would kill every change.

    Raises:
        SystemExit: a test fails.
    """
    trial = start(mutant, reached, folder, -1, changed=False)
    if trial.child.wait(trial.limit) != pytest.ExitCode.OK:
        said = trial.said.read_text(errors="replace")
        raise SystemExit(f"mutants: tests of {shown(mutant.path)} fail without any change:\n{said[-2000:]}")


def told(mutant: Mutant, fate: str, tests: int, seconds: float, by: str) -> Fate:
    before, after = mutant.path.read_text(), mutant.source or ""
    diff = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0)
    return Fate(
        room=mutant.room, file=shown(mutant.path), line=mutant.line, operator=mutant.operator, key=mutant.key[:16],
        fate=fate, tests=tests, seconds=round(seconds, 1), by=by, diff="\n".join(list(diff)[3:]),
    )  # fmt: skip
