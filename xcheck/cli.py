"""The command line: `xcheck`, or `python -m xcheck`.

Exit codes: 0 all well, 1 something failed, 2 bad usage or bad input (one line on stderr), 130 interrupted.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import typer

from xcheck._errors import XCheckError
from xcheck.commands.bench import bench
from xcheck.commands.catalogue import list_, show
from xcheck.commands.exchange import export, judge, new
from xcheck.commands.libraries import libraries
from xcheck.commands.parity import parity
from xcheck.commands.reference import reference
from xcheck.commands.verify import explain, report, verify

app = typer.Typer(
    name="xcheck",
    help="Verifies derivatives and curvature across PyTorch and JAX against a certified reference.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)
for command in (verify, bench, parity, explain, list_, show, reference, report, new, export, judge, libraries):
    app.command(command.__name__.rstrip("_"))(command)


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
