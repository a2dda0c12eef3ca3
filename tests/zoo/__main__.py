"""`python -m zoo`: plants every defect at a spread of the shipped cases, prints a table, writes reports/zoo.json."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from time import perf_counter

import xcheck
from zoo import ZOO
from zoo.count import Count, count
from zoo.figures import competitors, said, summary
from zoo.honest import rejected
from zoo.honest import said as said_of_right
from zoo.planting import DTYPES
from zoo.report import PLACE, merge

HEAD = f"{'defect':40} {'dtype':8} applied harmful  killed diagnosed rightly falsely unnamed nameless seconds"


def row(c: Count, seconds: float) -> str:
    figures = f"{c.applied:7} {c.harmful:7} {c.killed:7} {c.diagnosed:9} {c.rightly:7} {c.falsely:7} {c.unnamed:7}"
    first = f"{c.defect:40} {c.dtype:8} {figures} {c.nameless:8} {seconds:7.1f}"
    return "\n".join([first, *(f"    {missed}" for missed in c.missed)])


def main() -> None:
    options = argparse.ArgumentParser(prog="zoo", description=__doc__)
    options.add_argument("--defects", default="", help="names, separated by commas; nothing is written then")
    asked = options.parse_args()
    cases = tuple(name for name, case in xcheck.load_cases().items() if case.tier != "full")
    wanted = [d for d in ZOO if not asked.defects or d.name in asked.defects.split(",")]
    start = perf_counter()
    print(HEAD)
    counts = []
    for defect in wanted:
        for dtype in DTYPES:
            if dtype in defect.dtypes:
                before = perf_counter()
                counts.append(count(defect, dtype, cases))
                print(row(counts[-1], perf_counter() - before), flush=True)
    total, others = summary(counts), competitors(counts)
    print(said(total, others))
    right = {dtype: rejected(cases, dtype) for dtype in DTYPES}
    print(said_of_right(right))
    print(f"{len(wanted)} defects, {len(cases)} cases, {perf_counter() - start:.0f} s")
    if not asked.defects:
        merge({"defects": [asdict(c) for c in counts], "summary": total, "competitors": others, "rejected": right})
        print(f"written: {PLACE}")


if __name__ == "__main__":
    main()
