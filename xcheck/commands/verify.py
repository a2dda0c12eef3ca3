"""`xcheck verify`, `explain` and `report`: run cells, one or many, and tell what came."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from xcheck._ending import say
from xcheck._errors import UsageError
from xcheck.commands.options import (
    Adapter,
    CaseGlob,
    Cases,
    Jobs,
    Memory,
    Quiet,
    Tier,
    Timeout,
    journal_of,
    settings_of,
    split,
)


def verify(
    case: CaseGlob = "*",
    quantity: Annotated[str, typer.Option(metavar="GLOB", help="names of quantities")] = "*",
    implementation: Annotated[str, typer.Option(metavar="GLOB", help="names of implementations")] = "*",
    adapter: Adapter = None,
    dtype: Annotated[
        str, typer.Option(metavar="DTYPE,...", help="float64, float32, tf32, bfloat16")
    ] = "float64,float32",
    device: Annotated[str, typer.Option(metavar="cpu|cuda|all", help="where to compute")] = "cpu",
    cases: Cases = None,
    tier: Tier = "standard",
    timeout: Timeout = None,
    memory: Memory = 4096,
    jobs: Jobs = None,
    json: Annotated[Path, typer.Option(metavar="FILE", help="the final file; the journal is FILE.jsonl")] = Path(
        "reports/verify.json"
    ),
    quiet: Quiet = False,
) -> int:
    """Run cases through implementations and judge each result by its certified reference."""
    from xcheck.report.terminal import Terminal
    from xcheck.run import run

    settings = settings_of(
        cases=case, quantities=quantity, implementations=implementation, adapter=adapter, dtypes=split(dtype),
        devices=split(device), folder=None if cases is None else str(cases), tier=tier, timeout=timeout, memory=memory,
    )  # fmt: skip
    journal = journal_of(json)
    with Terminal(quiet=quiet) as terminal:
        try:
            results = run(
                settings, jobs=jobs, journal=journal, watcher=terminal, save=lambda results: results.save(json)
            )  # fmt: skip
        except KeyboardInterrupt:
            kept = f"; the results so far are in {journal}, and the same line goes on" if journal else ""
            say(f"interrupted{kept}")
            return 130
    terminal.report(results.document)
    if not quiet:
        terminal.note(f"written to {json}")
    return results.exit_code


def explain(
    id: Annotated[str, typer.Argument(metavar="ID", help="case/quantity/implementation/dtype/device")],
    adapter: Adapter = None,
    cases: Cases = None,
    timeout: Timeout = None,
    memory: Memory = 4096,
) -> int:
    """Run one cell and tell all about it: formula, worst entry, both values, diagnosis, line to reproduce."""
    from xcheck._load import load_cases
    from xcheck.quantities import load_quantities
    from xcheck.report.explain import explanation
    from xcheck.report.terminal import tell
    from xcheck.run import run
    from xcheck.run.plan import parse_id

    cell = parse_id(id)
    settings = settings_of(
        cases=cell.case, quantities=cell.quantity, implementations=cell.implementation, adapter=adapter,
        dtypes=(cell.dtype,), devices=(cell.device,), folder=None if cases is None else str(cases), tier="full",
        timeout=timeout, memory=memory,
    )  # fmt: skip
    results = run(settings, jobs=1)
    for result in results:
        if result.id == id:
            tell(explanation(result, load_cases(cases)[cell.case], load_quantities()[cell.quantity]))
            return results.exit_code
    raise UsageError(f"{id!r} is no id of a cell: its device is {cell.device}; expected cpu or cuda")


def report(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="what xcheck verify --json wrote")],
    quiet: Quiet = False,
) -> int:
    """Print the report of a run again, from its file alone."""
    from xcheck.report.terminal import Terminal
    from xcheck.run.results import Results

    results = Results.load(file)
    Terminal(quiet=quiet).report(results.document)
    return results.exit_code
