"""The scoreboard as a page of the documentation, made from its file alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from xcheck.report.findings import Finding, findings
from xcheck.report.summary import shown_ratio
from xcheck.result import Convention, Outcome, Result, size
from xcheck.run.libraries import Library, Scoreboard, library_of

HEAD = """# Other libraries, judged

Made by `python -m nox -s libraries` from reports/libraries.json; not edited by hand. Each row is one function of a
library, through its adapter in `xcheck/libraries/`, on every case that applies. "worst ratio" is that of the results
that agree (limit 32). A convention is not a bug: it is declared as data and the judge holds the library to it.

What a library runs into stands below its functions, each gap once, the most silent and largest first: "silent" is a
wrong number, "visible" a wrong shape or a NaN, "loud" an error. The line `xcheck explain` runs the smallest cell that
shows it (the least n p); [findings.md](findings.md) has scripts that run without xcheck. The gaps are declared in the
files `xcheck/libraries/*.gaps`, strictly: one that is mended upstream turns the table red.
[adapters.md](adapters.md) lists what else the libraries offer.
"""
FUNCTIONS = ("quantity", "function", "outcomes", "worst ratio", "convention", "runs into")
FINDINGS = ("", "gap", "how", "cells", "functions", "smallest cell that shows it", "more")


def page(board: Scoreboard) -> str:
    """Markdown: the libraries, what they leave behind, and for each its functions and what they run into."""
    rows = [_library_row(library, board.results) for library in board.libraries]
    lines = [HEAD, *_table(("library", "version", "agrees", "other outcomes", "leaves behind"), rows), ""]
    for library in board.libraries:
        if library.not_run is None:
            mine = _of(library, board.results)
            found = findings(mine)
            lines += [f"## {library.name} {library.version or ''}".rstrip(), ""]
            lines += [*_table(FUNCTIONS, _functions(library.name, mine, found)), ""]
            if found:
                lines += [*_table(FINDINGS, _findings(library.name, found, board.sizes)), ""]
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
            _left_behind(library.leaves.values()))  # fmt: skip


def _left_behind(said: Iterable[str]) -> str:
    """Each thing once, gradients together; a function that raised is told by its cells.

    >>> _left_behind(["changed: weight.grad, bias.grad", "raised TypeError", "changed: bias.grad, module.hooks"])
    'weight.grad, bias.grad; module.hooks'
    """
    changed = [text.removeprefix("changed: ").split(", ") for text in said if text.startswith("changed: ")]
    things = list(dict.fromkeys(thing for those in changed for thing in those))
    gradients = ", ".join(thing for thing in things if thing.endswith(".grad"))
    others = [thing for thing in things if not thing.endswith(".grad")]
    return "; ".join([gradients] * bool(gradients) + others) or "nothing"


def _functions(library: str, results: list[Result], found: list[Finding]) -> Iterator[tuple[str, ...]]:
    for quantity, name in dict.fromkeys((result.quantity, result.implementation) for result in results):
        mine = [result for result in results if (result.quantity, result.implementation) == (quantity, name)]
        agreed = [size(result.ratio) for result in mine if result.outcome is Outcome.AGREES]
        worst = shown_ratio(max(agreed)) if agreed else ""
        numbers = [k for k, one in enumerate(found, 1) if quantity in one.functions.get(name, ())]
        links = ", ".join(f"[{k}](#{library}-{k})" for k in numbers)
        yield quantity, name, _counts(mine), worst, _convention(mine[0].convention), links


def _findings(library: str, found: list[Finding], sizes: Mapping[str, int]) -> Iterator[tuple[str, ...]]:
    for k, one in enumerate(found, 1):
        cells = ", ".join(f"{number} {outcome}" for outcome, number in one.outcomes.items())
        farthest = f", ratio {shown_ratio(one.ratio)}" if one.ratio else ""
        functions = "; ".join(f"{', '.join(quantities)} ({name})" for name, quantities in one.functions.items())
        line = f"`{one.smallest(sizes).reproduce}`"
        yield f'<a id="{library}-{k}"></a>{k}', one.reason, one.loudness, cells + farthest, functions, line, _more(one)


def _more(one: Finding) -> str:
    """Where it is told: the page lies beside findings.md."""
    page, _, anchor = one.link.partition("#")
    if page == "docs/findings.md":
        return f"[finding {anchor}](findings.md#{anchor})" if anchor.isdigit() else f"[finding](findings.md#{anchor})"
    return f"[upstream]({one.link})" if one.link else "not declared"


def _counts(results: Iterable[Result], but: Outcome | None = None) -> str:
    counted = Counter(str(result.outcome) for result in results if result.outcome is not but)
    return ", ".join(f"{number} {outcome}" for outcome, number in counted.items())


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
