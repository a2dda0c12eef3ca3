"""The command line: `xcheck`, or `python -m xcheck`.

Exit codes: 0 all well, 1 something failed, 2 bad usage or bad input (one line on stderr), 130 interrupted.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from xcheck._errors import UsageError, XCheckError
from xcheck.bench_command import bench

if TYPE_CHECKING:
    from xcheck.run import Settings

# Everything else is imported by the command that needs it: `xcheck --help` answers at once.

app = typer.Typer(
    name="xcheck",
    help="Verifies derivatives and curvature across PyTorch and JAX against a certified reference.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)
app.command()(bench)

Cases = Annotated[Path | None, typer.Option("--cases", metavar="DIR", help="case files in place of the shipped ones")]
Adapter = Annotated[str | None, typer.Option("--adapter", metavar="MODULE", help="a module with implementations")]
Timeout = Annotated[float, typer.Option(metavar="S", help="seconds for one cell")]
Memory = Annotated[int, typer.Option(metavar="MB", help="memory for one cell")]


class What(StrEnum):
    """What `xcheck list` lists."""

    CASES = "cases"
    QUANTITIES = "quantities"
    IMPLEMENTATIONS = "implementations"


@app.command()
def verify(
    case: Annotated[str, typer.Option(metavar="GLOB", help="names of cases; several globs with commas")] = "*",
    quantity: Annotated[str, typer.Option(metavar="GLOB", help="names of quantities")] = "*",
    implementation: Annotated[str, typer.Option(metavar="GLOB", help="names of implementations")] = "*",
    adapter: Adapter = None,
    dtype: Annotated[
        str, typer.Option(metavar="DTYPE,...", help="float64, float32, tf32, bfloat16")
    ] = "float64,float32",
    device: Annotated[str, typer.Option(metavar="cpu|cuda|all", help="where to compute")] = "cpu",
    cases: Cases = None,
    tier: Annotated[str, typer.Option(metavar="smoke|standard|full", help="how many cases")] = "standard",
    timeout: Timeout = 60.0,
    memory: Memory = 4096,
    jobs: Annotated[int | None, typer.Option("-j", metavar="N", help="worker processes; one a core by default")] = None,
    json: Annotated[Path, typer.Option(metavar="FILE", help="the final file; the journal is FILE.jsonl")] = Path(
        "reports/verify.json"
    ),
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="only what failed, and the counts")] = False,
) -> int:
    """Run cases through implementations and judge each result by its certified reference."""
    from xcheck.report.terminal import Terminal
    from xcheck.run import run

    settings = _settings(
        cases=case, quantities=quantity, implementations=implementation, adapter=adapter, dtypes=_split(dtype),
        devices=_split(device), folder=None if cases is None else str(cases), tier=tier, timeout=timeout, memory=memory,
    )  # fmt: skip
    journal = json.with_suffix(".jsonl")
    with Terminal(quiet=quiet) as terminal:
        try:
            results = run(settings, jobs=jobs, journal=journal, watcher=terminal)
        except KeyboardInterrupt:
            print(
                f"xcheck: interrupted; the results so far are in {journal}, and the same line goes on", file=sys.stderr
            )
            return 130
    results.save(json)
    terminal.report(results.document)
    if not quiet:
        terminal.note(f"written to {json}")
    return results.exit_code


@app.command()
def explain(
    id: Annotated[str, typer.Argument(metavar="ID", help="case/quantity/implementation/dtype/device")],
    adapter: Adapter = None,
    cases: Cases = None,
    timeout: Timeout = 60.0,
    memory: Memory = 4096,
) -> int:
    """Run one cell and tell all about it: formula, worst entry, both values, diagnosis, line to reproduce."""
    from xcheck._load import load_cases
    from xcheck.quantities import load_quantities
    from xcheck.report.explain import explanation
    from xcheck.run import run
    from xcheck.run.plan import parse_id

    cell = parse_id(id)
    settings = _settings(
        cases=cell.case, quantities=cell.quantity, implementations=cell.implementation, adapter=adapter,
        dtypes=(cell.dtype,), devices=(cell.device,), folder=None if cases is None else str(cases), tier="full",
        timeout=timeout, memory=memory,
    )  # fmt: skip
    for result in run(settings, jobs=1):
        if result.id == id:
            print(explanation(result, load_cases(cases)[cell.case], load_quantities()[cell.quantity]))
            return int(result.outcome.failed)
    raise UsageError(f"{id!r} is no id of a cell: its device is {cell.device}; expected cpu or cuda")


@app.command("list")
def list_(what: What, adapter: Adapter = None, cases: Cases = None) -> int:
    """List cases, quantities or implementations."""
    from xcheck._load import load_cases
    from xcheck.quantities import load_quantities
    from xcheck.report import listing
    from xcheck.report.terminal import console
    from xcheck.run.adapters import import_adapter

    loaded = load_cases(cases)
    quantities = load_quantities()
    if adapter is not None:
        import_adapter(adapter)
    tables = {
        What.CASES: lambda: listing.cases(loaded.values()),
        What.QUANTITIES: lambda: listing.quantities(quantities.values()),
        What.IMPLEMENTATIONS: lambda: listing.implementations(quantities, adapter),
    }
    console().print(tables[what]())
    return 0


@app.command()
def show(case: Annotated[str, typer.Argument(metavar="CASE", help="the name of a case")], cases: Cases = None) -> int:
    """Show one case: its program, parameters, inputs, loss, and who computes what of it."""
    from xcheck._errors import UnknownName
    from xcheck._load import load_cases
    from xcheck._registry import unknown
    from xcheck.quantities import load_quantities
    from xcheck.report import listing

    load_quantities()
    loaded = load_cases(cases)
    if case not in loaded:
        raise UnknownName(unknown("case", case, loaded))
    print(listing.show(loaded[case]))
    return 0


@app.command()
def reference(
    case: Annotated[str, typer.Argument(metavar="CASE", help="names of cases; several globs with commas")] = "*",
    quantity: Annotated[str, typer.Argument(metavar="QUANTITY", help="names of quantities")] = "*",
    output: Annotated[Path | None, typer.Option("-o", metavar="FILE", help="export one: .npz or .json")] = None,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="make all again and compare; store what is new")] = False,
    dtype: Annotated[str, typer.Option(metavar="DTYPE", help="whose rounding scale is exported")] = "float64",
    cases: Cases = None,
    jobs: Annotated[int | None, typer.Option("-j", metavar="N", help="worker processes; one a core by default")] = None,
) -> int:
    """Tell what certified references there are, export one, or make them again."""
    from xcheck._export import export
    from xcheck._load import load_cases
    from xcheck._reference import reference as certified
    from xcheck.quantities import load_quantities
    from xcheck.report import references as told
    from xcheck.report.terminal import console
    from xcheck.run.plan import references

    loaded = load_cases(cases)
    wanted = references(loaded, case, quantity)
    if rebuild:
        return _rebuild_all(wanted, cases, jobs)
    pairs = [(loaded[name], load_quantities()[asked]) for name, asked in wanted]
    if output is None:
        console().print(told.table(pairs))
        return 0
    if len(pairs) != 1:
        raise UsageError(f"-o exports one reference, and {len(pairs)} match; name the case and the quantity")
    export(certified(*pairs[0], dtype=dtype), output)
    print(f"{pairs[0][0].name}/{pairs[0][1].name} written to {output}")
    return 0


def _rebuild_all(wanted: list[tuple[str, str]], cases: Path | None, jobs: int | None) -> int:
    from xcheck._load import load_cases
    from xcheck._rebuild import store_values
    from xcheck.run.machine import cores
    from xcheck.run.references import rebuild_all

    for name in dict.fromkeys(name for name, _ in wanted):
        store_values(load_cases(cases)[name])
    apart = 0
    for label, fault in rebuild_all(wanted, None if cases is None else str(cases), workers=jobs or cores()):
        apart += fault is not None
        print(f"{label}: {fault or 'agrees with what is stored'}", flush=True)
    print(f"{len(wanted)} references made again, {apart} do not agree")
    return int(apart > 0)


@app.command()
def report(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="what xcheck verify --json wrote")],
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="only what failed, and the counts")] = False,
) -> int:
    """Print the report of a run again, from its file alone."""
    from xcheck.report.terminal import Terminal
    from xcheck.run.results import Results

    results = Results.load(file)
    Terminal(quiet=quiet).report(results.document)
    return results.exit_code


class Kind(StrEnum):
    """What `xcheck new` writes."""

    ADAPTER = "adapter"


@app.command()
def new(
    kind: Annotated[Kind, typer.Argument(metavar="adapter", help="what to write")],
    name: Annotated[str, typer.Argument(metavar="NAME", help="the module, such as mylib_adapter")],
) -> int:
    """Write a commented file to start from, which runs as it is."""
    from xcheck.run.scaffold import new_adapter

    path = new_adapter(name)
    print(f"written {path}; next: xcheck verify --adapter {name} --tier smoke")
    return 0


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="one folder for each case is written into it")],
    case: Annotated[str, typer.Option(metavar="GLOB", help="names of cases; several globs with commas")] = "*",
    as_json: Annotated[bool, typer.Option("--json", help="the numbers as JSON instead of npz")] = False,
    cases: Cases = None,
) -> int:
    """Write problems as files, for libraries in other languages; xcheck judge takes the answers."""
    from xcheck._load import load_cases
    from xcheck._registry import Registry
    from xcheck.run.exchange import export_problems

    known: Registry = Registry("case")
    for name, one in load_cases(cases).items():
        known.add(name, one)
    written = export_problems(folder, known.matching(case), as_json=as_json)
    print(f"{len(written)} problems written to {folder}; answers go beside them, such as {written[0].parent}/"
          f"gradient.float64.npz; then: xcheck judge {folder}")  # fmt: skip
    return 0


@app.command()
def judge(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="what xcheck export wrote, with answers in it")],
    cases: Cases = None,
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="write the results to a file")] = None,
) -> int:
    """Judge the answers in a folder of problems."""
    from xcheck.report.terminal import Terminal
    from xcheck.run.exchange import judge_answers

    results = judge_answers(folder, cases)
    if json is not None:
        results.save(json)
    Terminal(quiet=False).report(results.document)
    return results.exit_code


@app.command()
def libraries(
    library: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="one of xcheck/libraries; all if left out")
    ] = None,
    case: Annotated[str, typer.Option(metavar="GLOB", help="names of cases; several globs with commas")] = "*",
    dtype: Annotated[str, typer.Option(metavar="DTYPE,...", help="float64, float32")] = "float64,float32",
    tier: Annotated[str, typer.Option(metavar="smoke|standard|full", help="how many cases")] = "standard",
    cases: Cases = None,
    timeout: Timeout = 60.0,
    memory: Memory = 4096,
    jobs: Annotated[int | None, typer.Option("-j", metavar="N", help="worker processes; one a core by default")] = None,
    json: Annotated[Path, typer.Option(metavar="FILE", help="the scoreboard's file")] = Path("reports/libraries.json"),
    page: Annotated[Path | None, typer.Option(metavar="FILE", help="write the page of the docs from the file")] = None,
    run: Annotated[bool, typer.Option("--run/--no-run", help="judge, or only read the file")] = True,
    add: Annotated[bool, typer.Option("--add", help="keep the other libraries that the file has")] = False,
) -> int:
    """Judge the other libraries through their adapters, and print the scoreboard."""
    import msgspec

    from xcheck.report.libraries import page as page_of
    from xcheck.report.terminal import Terminal
    from xcheck.run.journal import write_atomically
    from xcheck.run.libraries import added, read_scoreboard, scoreboard

    if run:
        adapter = f"xcheck.libraries.{library}" if library else None
        settings = _settings(
            cases=case, adapter=adapter, dtypes=_split(dtype), tier=tier, timeout=timeout, memory=memory,
            folder=None if cases is None else str(cases),
        )  # fmt: skip
        with Terminal(quiet=True) as terminal:
            board = scoreboard(settings, watcher=terminal, jobs=jobs)
        board = added(read_scoreboard(json), board) if add else board
        write_atomically(json, msgspec.json.format(msgspec.json.encode(board), indent=1) + b"\n")
    text = page_of(read_scoreboard(json))
    if page is not None:
        write_atomically(page, text.encode())
    print(text)
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command and returns the exit code; every error is one line on stderr."""
    try:
        return app(args=arguments, prog_name="xcheck", standalone_mode=False) or 0
    except XCheckError as error:
        said = str(error)
    except typer.TyperException as error:
        said = error.format_message() or "a command is missing"
    except typer.Abort:
        said = "aborted"
    print(f"xcheck: {' '.join(said.split())}", file=sys.stderr)
    return 2


def _settings(**values: object) -> Settings:
    from xcheck.run import Settings

    return Settings(**values)  # type: ignore[arg-type]


def _split(names: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in names.split(",") if name.strip())
