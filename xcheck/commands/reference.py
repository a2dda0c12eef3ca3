"""`xcheck reference`: what certified references there are, as files, and made again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from xcheck._errors import UsageError
from xcheck.commands.options import Cases, Jobs


def reference(
    case: Annotated[str, typer.Argument(metavar="CASE", help="names of cases; several globs with commas")] = "*",
    quantity: Annotated[str, typer.Argument(metavar="QUANTITY", help="names of quantities")] = "*",
    output: Annotated[Path | None, typer.Option("-o", metavar="FILE", help="export one: .npz or .json")] = None,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="make all again and compare; store what is new")] = False,
    dtype: Annotated[str, typer.Option(metavar="DTYPE", help="whose rounding scale is exported")] = "float64",
    framework: Annotated[
        str | None, typer.Option(metavar="torch|jax", help="whose convention, where a case sits on kinks")
    ] = None,
    cases: Cases = None,
    jobs: Jobs = None,
) -> int:
    """Tell what certified references there are, export one, or make them again."""
    from xcheck._export import export
    from xcheck._load import load_cases
    from xcheck._reference import reference as certified
    from xcheck.quantities import load_quantities
    from xcheck.report import references as told
    from xcheck.report.terminal import console, tell
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
    export(certified(*pairs[0], dtype=dtype, framework=framework), output)
    tell(f"{pairs[0][0].name}/{pairs[0][1].name} written to {output}")
    return 0


def _rebuild_all(wanted: list[tuple[str, str]], cases: Path | None, jobs: int | None) -> int:
    from xcheck._load import load_cases
    from xcheck._rebuild import store_values, stored_beside
    from xcheck._reference import conventions
    from xcheck.quantities import load_quantities
    from xcheck.run.machine import workers_of
    from xcheck.run.references import rebuild_all

    loaded, quantities, workers = load_cases(cases), load_quantities(), workers_of(jobs)
    for name in dict.fromkeys(name for name, _ in wanted):
        store_values(loaded[name])
    new = {
        f"{case}/{asked}"
        for case, asked in wanted
        for framework in conventions(loaded[case], quantities[asked])
        if not stored_beside(loaded[case], quantities[asked], "float64", framework)
    }
    apart = 0
    for label, fault in rebuild_all(wanted, None if cases is None else str(cases), workers=workers):
        apart += fault is not None
        print(f"{label}: {fault or ('made and stored' if label in new else 'agrees with what is stored')}", flush=True)
    print(f"{len(new)} references made, {len(wanted) - len(new)} made again, {apart} do not agree")
    return int(apart > 0)
