"""`xcheck new`, `export` and `judge`: what authors of other libraries start from."""

from __future__ import annotations

import shlex
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from xcheck.commands.options import CaseGlob, Cases


class Kind(StrEnum):
    """What `xcheck new` writes."""

    ADAPTER = "adapter"


def new(
    kind: Annotated[Kind, typer.Argument(metavar="adapter", help="what to write")],
    name: Annotated[str, typer.Argument(metavar="NAME", help="the module, such as mylib_adapter")],
) -> int:
    """Write a commented file to start from, which runs as it is."""
    from xcheck.report.terminal import tell
    from xcheck.run.scaffold import new_adapter

    path = new_adapter(name)
    tell(f"written {path}; next: xcheck verify --adapter {name} --tier smoke")
    return 0


def export(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="one folder for each case is written into it")],
    case: CaseGlob = "*",
    as_json: Annotated[bool, typer.Option("--json", help="the numbers as JSON instead of npz")] = False,
    cases: Cases = None,
) -> int:
    """Write problems as files, for libraries in other languages; xcheck judge takes the answers."""
    from xcheck._load import load_cases
    from xcheck._registry import Registry
    from xcheck.report.terminal import tell
    from xcheck.run.exchange import export_problems

    known: Registry = Registry("case")
    for name, one in load_cases(cases).items():
        known.add(name, one)
    written = export_problems(folder, known.matching(case), as_json=as_json)
    tell(
        f"{len(written)} problems written to {folder}; answers go beside them, such as {written[0].parent}/"
        f"gradient.float64.npz; then: xcheck judge {shlex.quote(str(folder))}"
    )
    return 0


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
