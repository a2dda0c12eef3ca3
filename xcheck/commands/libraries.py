"""`xcheck libraries`: the scoreboard of the other libraries."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from xcheck.commands.options import CaseGlob, Cases, Jobs, Memory, Tier, Timeout, journal_of, settings_of, split


def libraries(
    library: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="one of xcheck/libraries; all if left out")
    ] = None,
    case: CaseGlob = "*",
    dtype: Annotated[str, typer.Option(metavar="DTYPE,...", help="float64, float32")] = "float64,float32",
    tier: Tier = "standard",
    cases: Cases = None,
    timeout: Timeout = None,
    memory: Memory = 4096,
    jobs: Jobs = None,
    json: Annotated[Path, typer.Option(metavar="FILE", help="the scoreboard's file")] = Path("reports/libraries.json"),
    page: Annotated[Path | None, typer.Option(metavar="FILE", help="write the page of the docs from the file")] = None,
    run: Annotated[bool, typer.Option("--run/--no-run", help="judge, or only read the file")] = True,
    add: Annotated[bool, typer.Option("--add", help="keep the other libraries that the file has")] = False,
) -> int:
    """Judge the other libraries through their adapters, and print the scoreboard."""
    import msgspec

    from xcheck._arguments import one_of
    from xcheck._files import encode
    from xcheck.libraries import LIBRARIES
    from xcheck.report.libraries import page as page_of
    from xcheck.report.terminal import Terminal, tell
    from xcheck.run.journal import write_atomically
    from xcheck.run.libraries import Scoreboard, added, read_scoreboard, scoreboard

    if library is not None:
        one_of("library", library, LIBRARIES)
    if run:
        adapter = f"xcheck.libraries.{library}" if library else None
        settings = settings_of(
            cases=case, adapter=adapter, dtypes=split(dtype), tier=tier, timeout=timeout, memory=memory,
            folder=None if cases is None else str(cases),
        )  # fmt: skip

        def save(board: Scoreboard) -> None:
            whole = added(read_scoreboard(json), board) if add else board
            write_atomically(json, msgspec.json.format(encode(whole), indent=1) + b"\n")

        with Terminal() as terminal:
            scoreboard(settings, watcher=terminal, jobs=jobs, journal=journal_of(json), save=save)
    text = page_of(read_scoreboard(json))
    if page is not None:
        write_atomically(page, text.encode())
    tell(text)
    return 0
