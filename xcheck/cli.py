"""The command line: `xcheck`, or `python -m xcheck`.

Exit codes: 0 all well, 1 something failed, 2 bad usage or bad input (one line on stderr), 3 xcheck itself failed (one
line, which names the file with the traceback), 130 interrupted.
"""

from __future__ import annotations

import io
import os
import sys
import traceback
from collections.abc import Sequence
from typing import Annotated

import typer

import xcheck
from xcheck._ending import interruptible, keep_traceback, output_lost, say
from xcheck._errors import GuardFailed, XCheckError
from xcheck._text import one_line
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
    rich_markup_mode=None,
)
for command in (verify, bench, parity, explain, list_, show, reference, report, new, export, judge, libraries):
    app.command(command.__name__.rstrip("_"))(command)


def _print_version(asked: bool) -> None:
    if asked:
        print(f"xcheck {xcheck.__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def without_command(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Verifies derivatives and curvature across PyTorch and JAX against a certified reference."""
    if context.invoked_subcommand is None:
        print(context.get_help(), file=sys.stderr)
        raise typer.Exit(2)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command and returns the exit code; every error is one line on stderr, whatever was raised."""
    if sys.stderr is None:  # closed by the caller; print would write to stdout instead
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    if sys.stdout is None:
        say("the standard output is closed; give one, such as > /dev/null")
        return 2
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        with interruptible():
            code = app(args=arguments, prog_name="xcheck", standalone_mode=False) or 0
            lost = output_lost()
    except BaseException as error:
        # Typer turns a closed pipe into an exit of its own.
        lost = output_lost(error.__context__ if isinstance(error, SystemExit) else error)
        code = _told(error) if lost is None else 2
    if lost is not None:
        say(f"cannot write to the standard output: {lost}")
        return 2
    return code


def _told(error: BaseException) -> int:
    """Says what a command ended by, and returns its exit code."""
    if isinstance(error, SystemExit) and _raised_by_typer(error):  # it has written completions for the shell
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    if isinstance(error, KeyboardInterrupt):
        say("interrupted")
        return 130
    if isinstance(error, typer.TyperException):
        say(error.format_message())
        return 2
    if isinstance(error, typer.Abort):
        say("aborted")
        return 2
    if isinstance(error, XCheckError) and not isinstance(error, GuardFailed):
        say(error)
        return 2
    said = f"{type(error).__name__}: {one_line(error, 300)}"
    say(f"xcheck itself failed ({said}); {keep_traceback(error)}; please report it")
    return 3


def _raised_by_typer(error: BaseException) -> bool:
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    return frames[-1].f_globals.get("__name__", "").partition(".")[0] == "typer"
