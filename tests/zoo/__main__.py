"""`python -m zoo`: counts every defect at every shipped case, prints the table and writes reports/zoo.json."""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from multiprocessing import get_context
from time import perf_counter

import xcheck
from zoo import ZOO
from zoo.count import Count, competitors, counted, summary
from zoo.planting import DTYPES
from zoo.report import PLACE, merge

HEAD = f"{'defect':40} {'dtype':8} applied harmful  killed diagnosed  named falsely"


def row(c: Count) -> str:
    figures = f"{c.applied:7} {c.harmful:7} {c.killed:7} {c.diagnosed:9} {c.named_rightly:6} {c.named_falsely:7}"
    return "\n".join([f"{c.defect:40} {c.dtype:8} {figures}", *(f"    {missed}" for missed in c.missed)])


def said(total: dict, others: dict) -> str:
    """The figures that the docs quote."""
    lines = []
    for dtype, t in total.items():
        lines += [
            f"{dtype}: {t['defects']} distinct defects do harm, {t['defects_killed']} are killed everywhere, "
            f"{t['defects_named_rightly']} named rightly wherever diagnosed, {t['defects_named_falsely']} falsely",
            f"  {t['harmful']} harmful results: {t['killed']} killed; of {t['diagnosed']} diagnosed "
            f"{t['named_rightly']} named rightly, {t['named_falsely']} falsely",
        ]
        for name, other in others.items():
            share = other[dtype]["killed"] / t["harmful"]
            lines.append(
                f"  {name:28} kills {other[dtype]['killed']:6} of them ({share:.1%}), "
                f"{other[dtype]['defects_killed']} defects everywhere"
            )
    return "\n".join(lines)


def main() -> None:
    options = argparse.ArgumentParser(prog="zoo", description=__doc__)
    options.add_argument("--workers", type=int, default=2)
    options.add_argument("--defects", default="", help="names, separated by commas; nothing is written then")
    asked = options.parse_args()
    cases = tuple(name for name, case in xcheck.load_cases().items() if case.tier != "full")
    wanted = [d for d in ZOO if not asked.defects or d.name in asked.defects.split(",")]
    start = perf_counter()
    print(HEAD)
    tasks = [(defect.name, dtype, cases) for defect in wanted for dtype in DTYPES if dtype in defect.dtypes]
    with ProcessPoolExecutor(asked.workers, mp_context=get_context("spawn")) as pool:
        counts = []
        for found in pool.map(counted, tasks):
            counts.append(found)
            print(row(found), flush=True)
    total, others = summary(counts), competitors(counts)
    print(said(total, others))
    print(f"{len(cases)} cases, {perf_counter() - start:.0f} s")
    if not asked.defects:
        merge({"defects": [asdict(c) for c in counts], "summary": total, "competitors": others})
        print(f"written: {PLACE}")


if __name__ == "__main__":
    main()
