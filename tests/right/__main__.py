"""`python -m right` (with tests/ on the path): counts right results that the judge rejects.

Each program's records are a line of reports/right.jsonl, so that a run that was stopped goes on; `--count` says at how
many right results, distinct in program, quantity or seed, it ends. They amount to the key "right" of reports/zoo.json.
"""

from __future__ import annotations

import argparse
import os
from contextlib import closing
from pathlib import Path

import msgspec

from right.parallel import every
from right.report import distinct, lines, merge, summary, unlikely
from right.study import Record

Journal = dict[int, list[Record]]


class Line(msgspec.Struct):
    """The records of one program at the seeds 0 .. seeds - 1."""

    program: int
    seeds: int
    records: list[Record]


def journal(path: Path, seeds: int) -> Journal:
    """What earlier runs with as many seeds have found; a line that was cut off is left out."""
    found: Journal = {}
    for text in path.read_text().splitlines() if path.exists() else ():
        try:
            line = msgspec.json.decode(text, type=Line)
        except msgspec.DecodeError:
            continue
        if line.seeds == seeds:
            found[line.program] = line.records
    return found


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m right", description=__doc__)
    parser.add_argument("--count", type=int, default=10_000, help="stop at so many distinct right results")
    parser.add_argument("--seeds", type=int, default=12, help="cases of each program")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--fresh", action="store_true", help="forget what earlier runs have found")
    parser.add_argument("--folder", type=Path, default=Path("reports"))
    options = parser.parse_args()
    options.folder.mkdir(exist_ok=True)
    path = options.folder / "right.jsonl"
    if options.fresh:
        path.unlink(missing_ok=True)
    known = journal(path, options.seeds)
    found: Journal = {}
    with path.open("a") as file, closing(every(known, options.seeds, options.processes)) as programs:
        for number, records in enumerate(programs):
            if number not in known:
                file.write(msgspec.json.encode(Line(number, options.seeds, records)).decode() + "\n")
                file.flush()
            found[number] = records
            print(f"program {number}: {distinct(found)} distinct right results of {options.count}", flush=True)
            if distinct(found) >= options.count:
                break
    told = summary(found)
    merge(options.folder / "zoo.json", "right", told)
    print("\n".join(lines(told)))
    return 1 if told["rejected"] or unlikely(told["quantities"]) else 0


if __name__ == "__main__":
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    raise SystemExit(main())
