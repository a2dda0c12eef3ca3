"""The scoreboard as a page of the documentation, made from its file alone."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from xcheck.report.summary import shown_ratio
from xcheck.result import Convention, Outcome, Result, size
from xcheck.run.libraries import Library, Scoreboard, library_of

HEAD = """# Other libraries, judged

Made by `python -m nox -s libraries` from reports/libraries.json; not edited by hand. Each row is one function of a
library, through its adapter in `xcheck/libraries/`, on every case that applies. "worst ratio" is that of the results
that agree (limit 32). A convention is not a bug: it is declared as data and the judge holds the library to it.
[findings.md](findings.md) explains each disagreement; [adapters.md](adapters.md) lists what else the libraries offer.
"""


def page(board: Scoreboard) -> str:
    """Markdown: the libraries, what they leave behind, and a table of each."""
    rows = [_library_row(library, board.results) for library in board.libraries]
    lines = [HEAD, *_table(("library", "version", "agrees", "other outcomes", "leaves behind"), rows), ""]
    for library in board.libraries:
        if library.not_run is None:
            lines += [f"## {library.name} {library.version or ''}".rstrip(), ""]
            lines += [*_table(("quantity", "function", "outcomes", "worst ratio", "convention", "diagnosis"),
                              _rows(_of(library, board.results))), ""]  # fmt: skip
    versions = ", ".join(f"{name} {found}" for name, found in board.versions.items() if name != "sources")
    return "\n".join([*lines, f"Versions: {versions}.", ""])


def _of(library: Library, results: Iterable[Result]) -> list[Result]:
    return [result for result in results if library_of(result) == library.name]


def _library_row(library: Library, results: Iterable[Result]) -> tuple[str, ...]:
    if library.not_run is not None:
        return (library.name, library.version or "", "not run", library.not_run, "")
    mine = _of(library, results)
    agreed = sum(result.outcome is Outcome.AGREES for result in mine)
    return (library.name, library.version or "", f"{agreed} of {len(mine)}", _counts(mine, but=Outcome.AGREES),
            "; ".join(dict.fromkeys(library.leaves.values())) or "nothing")  # fmt: skip


def _rows(results: list[Result]) -> Iterator[tuple[str, ...]]:
    for quantity, name in dict.fromkeys((result.quantity, result.implementation) for result in results):
        mine = [result for result in results if (result.quantity, result.implementation) == (quantity, name)]
        agreed = [size(result.ratio) for result in mine if result.outcome is Outcome.AGREES]
        worst = shown_ratio(max(agreed)) if agreed else ""
        yield quantity, name, _counts(mine), worst, _convention(mine[0].convention), "; ".join(_said(mine))


def _counts(results: Iterable[Result], but: Outcome | None = None) -> str:
    counted = Counter(str(result.outcome) for result in results if result.outcome is not but)
    return ", ".join(f"{number} {outcome}" for outcome, number in counted.items())


def _said(results: Iterable[Result]) -> list[str]:
    """Each diagnosis or reason once, with the dtypes where it holds; a case that does not apply is only counted."""
    where: dict[str, list[str]] = {}
    for result in results:
        if result.outcome not in (Outcome.AGREES, Outcome.UNSUPPORTED):
            known = result.reason if result.outcome is Outcome.KNOWN_LIMITATION else None
            text = known or next((one.text for one in result.diagnosis), result.reason or "no known explanation")
            where.setdefault(re.sub(r" object at 0x[0-9a-f]+", "", text), []).append(result.dtype)
    return [f"{text} ({', '.join(dict.fromkeys(dtypes))})" for text, dtypes in where.items()]


def _convention(convention: Convention | None) -> str:
    """Only what is unusual in it."""
    if convention is None:
        return ""
    usual = Convention()
    fields = {name: getattr(convention, name) for name in convention.__struct_fields__}
    return ", ".join(f"{name}={value}" for name, value in fields.items() if value != getattr(usual, name))


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield "|---" * len(head) + "|"
    for row in rows:
        cells = (" ".join(cell.replace("|", r"\|").split()) for cell in row)
        yield f"| {' | '.join(cells)} |"
