"""A benchmark in the terminal: each group ranked, then how things grow, then what to use."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table

from xcheck.bench.compare import Change
from xcheck.bench.decide import Decision, decisions
from xcheck.bench.messages import Finding
from xcheck.bench.scaling import Crossing, Curve, crossings, curves
from xcheck.bench.schema import Bench, Cell, Measured
from xcheck.report import bench_words as words


def print_bench(bench: Bench, console: Console) -> None:
    """Everything that `xcheck bench` prints at its end, from the file alone."""
    for one in bench.groups:
        if not one.table.startswith("scaling"):
            console.print(group_table(one))
            if one.unsupported:
                console.print(f"unsupported: {', '.join(cell.implementation for cell in one.unsupported)}")
    found = curves(bench.groups)
    if found:
        console.print(curve_table(found))
        crossed = crossings(found)
        if crossed:
            console.print(crossing_table(crossed))
    console.print(decision_table(decisions(bench.groups)))
    for note in bench.notes:
        console.print(note, soft_wrap=True)


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, box=None, pad_edge=False, header_style="bold", title_justify="left", title_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def group_table(one: Measured) -> Table:
    """One group, fastest first; what is not ranked stands below, with its verdict."""
    state = "" if one.settled else "; the budget ended before every ratio was within 5 %"
    published = words.PUBLISHED if one.table == "linear" else {}
    extra = ["published"] if published else []
    table = _table(
        f"\n{words.title(one.group)}{state}", "implementation", "time", f"ratio to {one.baseline}", "of the limit",
        "first call", "peak memory", "result", "verdict", *extra,
    )  # fmt: skip
    for cell in [*one.ranking, *one.refused]:
        time = words.seconds(cell.seconds.median) if cell.seconds else ""
        first = words.seconds(cell.first) if cell.first is not None else ""
        said = [words.seconds(_published(cell, published))] if _published(cell, published) else [""] * len(extra)
        table.add_row(
            cell.implementation, time, words.ratio(cell.ratio), words.share(cell.fraction), first,
            words.size(cell.peak), words.size(cell.result_bytes), words.verdict(cell), *said,
            style=None if cell.ranked else "dim",
        )  # fmt: skip
    return table


def _published(cell: Cell, published: dict[str, float]) -> float:
    return published.get(cell.implementation.removeprefix("torch_"), 0.0)


def curve_table(found: Iterable[Curve]) -> Table:
    table = _table(
        "\nGrowth: exponent of the time and of the peak memory, with 95 % intervals", "quantity", "against",
        "implementation", "sizes", "time", "memory",
    )  # fmt: skip
    for one in found:
        time = words.ratio(one.law.exponent) if one.law else "too few sizes"
        memory = words.ratio(one.memory.exponent) if one.memory else ""
        sizes = f"{one.x[0]:g} to {one.x[-1]:g} ({len(one.x)})"
        table.add_row(one.quantity, one.axis, one.implementation, sizes, time, memory)
    return table


def crossing_table(found: Iterable[Crossing]) -> Table:
    table = _table("\nWhere two ways cross", "quantity", "faster below", "faster above", "measured at", "predicted at")
    for one in found:
        measured = "" if one.measured is None else f"{one.axis} = {one.measured:.3g}"
        predicted = "" if one.predicted is None else f"{one.axis} = {one.predicted:.3g}"
        table.add_row(one.quantity, one.first, one.second, measured, predicted)
    return table


def decision_table(found: Iterable[Decision]) -> Table:
    table = _table(
        "\nWhich should I use?", "quantity", "network", "p", "PyTorch", "JAX", "not told apart from the best"
    )
    for one in found:
        best = [_best(one.best[name]) for name in ("torch", "jax")]
        table.add_row(
            one.measured.group.quantity, words.network(one.measured.group.case), str(one.measured.sizes["p"]), *best,
            ", ".join(one.tied),
        )  # fmt: skip
    return table


def _best(cell: Cell | None) -> str:
    return f"{cell.implementation} ({words.seconds(cell.seconds.median)})" if cell and cell.seconds else ""


def change_table(found: Iterable[Change], threshold: float) -> Table:
    table = _table("\nAgainst the older run", "cell", "old", "new", "new / old, clock taken out", "")
    for one in sorted(found, key=lambda change: -change.ratio.median):
        slower = one.slower(threshold)
        table.add_row(
            one.id, words.seconds(one.old.median), words.seconds(one.new.median), words.ratio(one.ratio),
            "slower" if slower else "", style="red" if slower else None,
        )  # fmt: skip
    return table


def finding_table(found: Iterable[Finding]) -> Table:
    table = _table("Self-check of the harness", "check", "passed", "found")
    for one in found:
        table.add_row(one.name, "yes" if one.passed else "NO", one.text, style=None if one.passed else "red")
    return table
