"""`python -m mutants` (with tests/ on the path): how many small changes of xcheck's own code the tests notice.

A fixed sample, the same number from each room; reports/mutants.json has all of it. Exit 1 below 90 %.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import sleep

import msgspec

from mutants.child import warm
from mutants.places import Mutant, sample
from mutants.reached import Reached, reached
from mutants.rooms import ROOMS, ROOT
from mutants.trial import Fate, Trial, control, start, told

LEAST = 0.9
#: Changes that change nothing which a caller can see: "key reason", a line each.
EQUAL = Path(__file__).with_name("equal.txt")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m mutants", description=__doc__)
    parser.add_argument("--sample", type=int, default=300, help="so many changes, spread over the rooms")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--room", action="append", choices=list(ROOMS), help="only this room; may be repeated")
    parser.add_argument("--key", help="only the change whose key starts so")
    parser.add_argument("-j", "--processes", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=Path("reports"))
    options = parser.parse_args()
    rooms = options.room or list(ROOMS)
    folder = (options.folder / "mutants").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    os.chdir(ROOT)
    os.environ["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent / "hook"), os.environ.get("PYTHONPATH", "")])
    warm()
    found: list[Fate] = []
    for number, room in enumerate(rooms):
        size = options.sample // len(rooms) + (number < options.sample % len(rooms))
        chosen = [one for one in sample(room, size, options.seed) if one.key.startswith(options.key or "")]
        known = reached(room, folder)
        for fate in tried(chosen, known, folder, options.processes):
            found.append(fate)
            print(f"{len(found):4} {fate.fate:<9}{fate.seconds:6.1f} s  {fate.file}:{fate.line}  {fate.by}", flush=True)
    (options.folder / "mutants.json").write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=1) + b"\n")
    print("\n".join(lines(found)))
    return 0 if share(found) >= LEAST else 1


def tried(chosen: Sequence[Mutant], known: Reached, folder: Path, processes: int) -> Iterator[Fate]:
    """The fate of each, as they end; none runs on where this is stopped."""
    equal = dict(line.split(maxsplit=1) for line in EQUAL.read_text().splitlines())
    waiting, running = [one for one in chosen if one.key[:16] not in equal], dict[int, Trial]()
    for one in chosen:
        if one not in waiting:
            yield told(one, "equal", 0, 0.0, equal[one.key[:16]])
    reachable = [one for one in waiting if known.tests(one)]
    for one in reachable[:1]:
        control(one, known, folder)
    try:
        while waiting or running:
            for lane in range(processes):
                if lane in running and (fate := running[lane].fate()) is not None:
                    del running[lane]
                    yield fate
                if lane not in running and waiting:
                    running[lane] = start(waiting.pop(0), known, folder, lane)
            sleep(0.02)
        for one in reachable[-1:]:
            control(one, known, folder)
    finally:
        for trial in running.values():
            trial.child.stop()


def share(found: Sequence[Fate]) -> float:
    """Killed of those that are not equal."""
    counted = [one for one in found if one.fate != "equal"]
    return sum(one.fate == "killed" for one in counted) / len(counted) if counted else 1.0


def lines(found: Sequence[Fate]) -> list[str]:
    """Survivors with their differences, and the table."""
    said = []
    for one in found:
        if one.fate == "survived":
            said += [f"\nsurvived {one.tests} tests: {one.file}:{one.line} ({one.key})", one.diff]
    said.append(f"\n{'room':<12}{'changes':>8}{'killed':>8}{'survived':>9}{'equal':>7}{'share':>8}{'seconds':>9}")
    for room in (*dict.fromkeys(one.room for one in found), "all"):
        here = [one for one in found if room in (one.room, "all")]
        count = {fate: sum(one.fate == fate for one in here) for fate in ("killed", "survived", "equal")}
        numbers = f"{len(here):>8}{count['killed']:>8}{count['survived']:>9}{count['equal']:>7}"
        said.append(f"{room:<12}{numbers}{share(here):>8.1%}{sum(one.seconds for one in here):>9.0f}")
    return said


if __name__ == "__main__":
    raise SystemExit(main())
