"""`xcheck bench`: measure, compare, and write the page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from xcheck._ending import say
from xcheck.commands.options import journal_of, numbers, split

if TYPE_CHECKING:
    from rich.console import Console

    from xcheck.bench.schema import Bench

QUICK: dict[str, Any] = {"tables": ("quick",), "budget": 2.0, "apart": False}


def bench(
    tables: Annotated[
        list[str] | None, typer.Argument(metavar="[TABLE]...", help="linear networks modes products scaling layerwise")
    ] = None,
    case: Annotated[str, typer.Option(metavar="GLOB", help="names of cases and networks")] = "*",
    quantity: Annotated[str, typer.Option(metavar="GLOB", help="names of quantities")] = "*",
    implementation: Annotated[str, typer.Option(metavar="GLOB", help="names of implementations")] = "*",
    device: Annotated[str, typer.Option(metavar="cpu|cuda", help="where to compute")] = "cpu",
    dtype: Annotated[str, typer.Option(metavar="DTYPE,...", help="float64, float32, tf32, bfloat16")] = "float32",
    threads: Annotated[str, typer.Option(metavar="N,...", help="threads of each framework")] = "1",
    budget: Annotated[float | None, typer.Option(metavar="S", help="seconds of rounds for one process")] = None,
    processes: Annotated[int, typer.Option(metavar="N", help="fresh processes a group; 5 for the docs")] = 1,
    quick: Annotated[bool, typer.Option("--quick", help="a little of everything, in minutes")] = False,
    selfcheck: Annotated[bool, typer.Option("--selfcheck", help="check the harness itself and nothing else")] = False,
    compare: Annotated[Path | None, typer.Option(metavar="OLD.json", help="tell what became slower; exit 1")] = None,
    threshold: Annotated[float, typer.Option(metavar="R", help="new / old beyond which --compare fails")] = 1.25,
    read: Annotated[Path | None, typer.Option(metavar="FILE", help="report an earlier run; measure nothing")] = None,
    json: Annotated[Path, typer.Option(metavar="FILE", help="the file of results")] = Path("reports/bench.json"),
    html: Annotated[Path, typer.Option(metavar="FILE", help="the page")] = Path("reports/bench.html"),
    svg: Annotated[Path | None, typer.Option(metavar="DIR", help="write each picture there too")] = None,
    docs: Annotated[Path | None, typer.Option(metavar="PAGE", help="write the decision table into a page")] = None,
) -> int:
    """Measure time, memory and distance to the machine's limit; each result is judged before it is timed."""
    from xcheck._arguments import one_of, positive, whole
    from xcheck._dtypes import check_dtype
    from xcheck.bench.run import Settings, selections
    from xcheck.bench.run import bench as measure
    from xcheck.bench.schema import load, save
    from xcheck.report.bench_terminal import print_bench
    from xcheck.report.terminal import Terminal, console

    positive("--threshold", threshold, most=1e6)
    whole("--processes", processes, least=1, most=1000)
    if budget is not None:
        positive("--budget", budget, most=1e6)
    devices = tuple(one_of("device", name, ("cpu", "cuda", "all")) for name in split(device))
    journal = journal_of(json)
    if selfcheck:
        return _selfcheck(console())
    older = load(compare) if compare else None
    if read:
        found = load(read)
    else:
        chosen: dict[str, Any] = dict(QUICK) if quick else {"tables": tuple(tables)} if tables else {}
        chosen |= {"budget": budget} if budget else {}
        settings = Settings(
            case=case, quantity=quantity, implementation=implementation, dtypes=tuple(map(check_dtype, split(dtype))),
            devices=devices, threads=numbers("--threads", threads), processes=processes, **chosen,
        )  # fmt: skip
        selections(settings)
        with Terminal() as terminal:
            try:
                found = measure(settings, journal, terminal, save=lambda found: save(found, json))
            except KeyboardInterrupt:
                say("interrupted; the same line goes on where it stopped")
                return 130
    print_bench(found, console())
    _write(found, html, svg, docs, console(stderr=True))
    slower = _compared(older, found, threshold, console()) if older else False
    return int(slower or _impossible(found))


def _selfcheck(out: Console) -> int:
    from xcheck.bench.selfcheck import selfcheck
    from xcheck.report.bench_terminal import finding_table

    findings = selfcheck()
    out.print(finding_table(findings))
    return int(not all(finding.passed for finding in findings))


def _write(found: Bench, html: Path, svg: Path | None, docs: Path | None, err: Console) -> None:
    from xcheck._lazy import installed
    from xcheck.report.bench_decisions import write_decisions

    if installed("matplotlib"):
        from xcheck.report.bench_page import write_page, write_pictures

        write_page(found, html)
        err.print(f"written to {html}")
        for path in write_pictures(found, svg) if svg else ():
            err.print(f"written to {path}")
    else:
        err.print("no pictures: pip install 'xcheck[report]'")
    if docs:
        write_decisions(found, docs)
        err.print(f"written to {docs}")


def _compared(older: Bench, found: Bench, threshold: float, out: Console) -> bool:
    from xcheck.bench.compare import changes
    from xcheck.report.bench_terminal import change_table

    listed = list(changes(older, found))
    out.print(change_table(listed, threshold))
    return any(change.slower(threshold) for change in listed)


def _impossible(found: Bench) -> bool:
    """Whether a right result came faster than the machine can be: the measurement is then wrong."""
    from xcheck.result import Outcome

    return any(cell.outcome is Outcome.AGREES and cell.reason for one in found.groups for cell in one.cells)
