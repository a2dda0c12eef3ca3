"""What several commands share: their options, and the settings made of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from xcheck._errors import UsageError
from xcheck._files import path_of, refuse_special

if TYPE_CHECKING:
    from xcheck.run import Settings

Cases = Annotated[
    Path | None,
    typer.Option("--cases", metavar="FILE_OR_FOLDER", help="a case file, or a folder of them, for the shipped ones"),
]
Adapter = Annotated[str | None, typer.Option("--adapter", metavar="MODULE", help="a module with implementations")]
CaseGlob = Annotated[str, typer.Option(metavar="GLOB", help="names of cases; several globs with commas")]
Tier = Annotated[str, typer.Option(metavar="smoke|standard|full", help="how many cases")]
Timeout = Annotated[
    float | None, typer.Option(metavar="S", help="seconds for one cell; 60 if not given, 600 in the full tier")
]
Memory = Annotated[int, typer.Option(metavar="MB", help="memory for one cell")]
Jobs = Annotated[int | None, typer.Option("-j", metavar="N", help="worker processes; one a core by default")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="only what failed, and the counts")]


def settings_of(**values: object) -> Settings:
    """The settings of a run.

    Raises:
        UsageError: one of the values is out of its range.
    """
    from xcheck.run import Settings

    return Settings(**values)  # type: ignore[arg-type]


def journal_of(file: Path) -> Path | None:
    """The journal beside a file of results; a device such as /dev/null keeps nothing.

    Raises:
        UsageError: the file is a folder, or its name is that of the journal.
    """
    refuse_special(path_of("--json", file))
    if file.exists() and not file.is_file():
        return None
    if file.suffix == ".jsonl":
        raise UsageError(
            f"--json {file}: the journal has that name; choose another, such as {file.with_suffix('.json')}"
        )
    return file.with_suffix(".jsonl")


def numbers(option: str, text: str, least: int = 1) -> tuple[int, ...]:
    """The whole numbers in a text with commas.

    Raises:
        UsageError: it holds something else, or none.

    >>> numbers("--threads", "1, 2")
    (1, 2)
    """
    words = split(text)
    if not words or not all(word.isdecimal() and len(word) < 10 and int(word) >= least for word in words):
        raise UsageError(
            f"{option} {text!r}: expected whole numbers from {least}, with commas, such as {least},{least + 1}"
        )
    return tuple(map(int, words))


def split(names: str) -> tuple[str, ...]:
    """The names in a text with commas.

    >>> split("float64, float32")
    ('float64', 'float32')
    """
    return tuple(name.strip() for name in names.split(",") if name.strip())
