"""The report in the terminal: a bar while it runs, then by case and quantity what came of it, then what failed."""

from __future__ import annotations

import errno
import os
import sys
from collections import Counter
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.measure import Measurement
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from xcheck._text import printable
from xcheck.report.summary import Row, failures, medians, reasons, rows, shown_ratio
from xcheck.result import Document, Outcome, Result
from xcheck.run import Watcher

#: What failed is listed up to this many; the file has all.
LISTED = 50
#: A pipe has no width of its own.
PIPE_WIDTH = 160
#: No table is wider, and no text that is printed at once longer.
WIDEST, LONGEST = 10_000, 10**7


class Screen(Console):
    """A console that prints any text as it is: no markup, no emoji, no control characters of somebody else's."""

    def __init__(self, *, stderr: bool = False, width: int | None = None) -> None:
        stream = sys.stderr if stderr else sys.stdout
        # A terminal has a width of its own, and COLUMNS is the reader's word for one.
        known = stream.isatty() or os.environ.get("COLUMNS", "").isdecimal()
        width = width if known or width else PIPE_WIDTH
        super().__init__(stderr=stderr, highlight=False, markup=False, emoji=False, width=width)

    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(printable(text, LONGEST), **options)

    def print(self, *objects: Any, **options: Any) -> None:
        """A table is as wide as the screen, or as wide as its names need: they are not broken."""
        if objects and isinstance(objects[0], Table):
            least = Measurement.get(self, self.options.update(width=WIDEST), objects[0]).minimum
            if least > self.width:
                Screen(stderr=self.stderr, width=least).print(*objects, **options)
                return
        super().print(*objects, **options)

    def on_broken_pipe(self) -> None:
        """Rich would exit with 1; whoever runs the command says what is lost."""
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))


def console(*, stderr: bool = False) -> Screen:
    """Where reports are printed."""
    return Screen(stderr=stderr)


def tell(text: str) -> None:
    """Prints lines as they are, however long, on the standard output."""
    console().print(text, soft_wrap=True)


class Terminal(Watcher):
    """Tells of a run: a progress bar in a terminal, a plain line for every tenth in a pipe, nothing when quiet."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.quiet = quiet
        self.out, self.err = console(), console(stderr=True)
        self._bar: Progress | None = None
        self._total = self._done = 0
        self._title = ""

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None):
        self._stop()

    def note(self, text: str) -> None:
        self.err.print(text, soft_wrap=True)

    def stage(self, title: str, total: int) -> None:
        self._stop()
        self._title, self._total, self._done = title, total, 0
        if self.quiet:
            return
        if self.err.is_terminal:
            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
            self._bar = Progress(*columns, console=self.err, transient=True)
            self._bar.start()
            self._bar.add_task(title, total=total)
        else:
            self.note(f"{title}: {total}")

    def step(self) -> None:
        self._done += 1
        if self._bar is not None:
            self._bar.advance(self._bar.task_ids[0])
        elif not self.quiet and self._done * 10 // self._total > (self._done - 1) * 10 // self._total:
            self.note(f"{self._title}: {self._done} of {self._total}")

    def result(self, found: Result) -> None:
        if found.outcome.failed and not self.quiet:
            self.note(f"{found.outcome}: {found.id}")
        self.step()

    def report(self, document: Document) -> None:
        """What `xcheck verify` prints at its end, from the results alone."""
        if not self.quiet:
            self.out.print(_table(rows(document.results)))
        failed = failures(document.results)
        for result in failed[:LISTED]:
            self.out.print(_failure(result), soft_wrap=True)
        if len(failed) > LISTED:
            self.out.print(f"... and {len(failed) - LISTED} more; the file of results has all of them")
        self._counts(document.results)

    def _counts(self, results: list[Result]) -> None:
        """How often each outcome came, and why nothing was judged where nothing was."""
        counts = Counter(result.outcome for result in results)
        for outcome in Outcome:
            if not counts[outcome]:
                continue
            self.out.print(f"{counts[outcome]:6}  {outcome}")
            if not outcome.failed and outcome != Outcome.AGREES and not self.quiet:
                for reason, number in reasons(results, outcome):
                    self.out.print(f"        {number:6}  {printable(reason)}", soft_wrap=True)
        # A scale that is too large would let everything pass, and would show here.
        if typical := medians(results):
            names = list(typical)
            ends = " to ".join(f"{shown_ratio(typical[name].median)} ({name})" for name in (names[0], names[-1]))
            self.out.print(f"        median ratios of quantities from {ends}", soft_wrap=True)
            for name in (name for name in names if typical[name].doubtful):
                self.out.print(
                    f"        the scale of {name} is in doubt: this is not the size of rounding", soft_wrap=True
                )
        self.out.print(f"{len(results):6}  results, {sum(result.outcome.failed for result in results)} failed")

    def _stop(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


def _table(found: list[Row]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("case", "quantity", "outcomes", "worst ratio", "who"):
        right = title == "worst ratio"
        table.add_column(title, justify="right" if right else "left", overflow="fold", no_wrap=title != "outcomes")
    for row in found:
        outcomes = ", ".join(f"{number} {outcome}" for outcome, number in row.outcomes.items())
        table.add_row(
            row.case, row.quantity, outcomes, shown_ratio(row.ratio), row.who, style="red" if row.failed else None
        )
    return table


def _failure(result: Result) -> str:
    """A few lines that say what is wrong and how to see it again."""
    lines = ["", f"{result.outcome}: {result.id}"]
    if result.reason:
        lines.append(f"  reason       {printable(result.reason)}")
    if result.worst is not None:
        worst = result.worst
        where = f"{worst.path}{worst.index}"
        lines.append(f"  worst entry  {where}: expected {worst.expected!r}, got {worst.actual!r}")
        lines.append(f"  ratio        {shown_ratio(result.ratio)}")
    lines += [f"  diagnosis    {printable(one.text)}" for one in result.diagnosis]
    return "\n".join([*lines, f"  reproduce    {result.reproduce}"])
