"""The decision table of docs/benchmarks.md, between two marks that a command finds again."""

from __future__ import annotations

from pathlib import Path

from xcheck._errors import UsageError
from xcheck._files import read_bytes
from xcheck.bench.decide import decisions
from xcheck.bench.schema import Bench, Cell
from xcheck.report import bench_words as words
from xcheck.run.journal import write_atomically

BEGIN, END = "<!-- decisions: begin -->", "<!-- decisions: end -->"


def markdown(bench: Bench) -> str:
    """The table, with the machine that it was measured on; `ways` says how many right ones a row was chosen from."""
    kept = ", ".join(f"{name} {bench.versions[name]}" for name in ("torch", "jax", "numpy") if name in bench.versions)
    lines = [
        f"Measured on {bench.machine.get('processor')} ({bench.machine.get('cores')} cores), {kept}; tables "
        f"{', '.join(bench.settings.get('tables', ()))}, {bench.settings.get('budget'):g} s a process, "
        f"{_processes(bench)} process(es) a group, load average {_load(bench)} at the end.",
        "",
        "| quantity | network | p | ways | fastest in PyTorch | fastest in JAX | as fast as the best |",
        "|---|---|---|---|---|---|---|",
    ]
    for one in decisions(bench.groups):
        best = " | ".join(_best(one.best[name], one.winner) for name in ("torch", "jax"))
        group = one.measured.group
        lines.append(
            f"| `{group.quantity}` | {words.network(group.case)} | {one.measured.sizes['p']} | "
            f"{len(one.measured.ranking)} | {best} | {', '.join(f'`{name}`' for name in one.tied)} |"
        )
    return "\n".join(lines)


def write_decisions(bench: Bench, page: Path) -> None:
    """Replaces what stands between the marks of a page.

    Raises:
        UsageError: the page has no such marks.
    """
    text = read_bytes(page).decode(errors="replace")
    if BEGIN not in text or END not in text:
        raise UsageError(f"{page} has no lines {BEGIN} and {END} to write the decision table between")
    before, rest = text.split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    write_atomically(page, f"{before}{BEGIN}\n{markdown(bench)}\n{END}{after}".encode())


def _processes(bench: Bench) -> str:
    """How many timed each group: those of a scaling table have one."""
    return " or ".join(map(str, sorted({one.processes for one in bench.groups})))


def _load(bench: Bench) -> str:
    load = bench.machine.get("process", {}).get("load")
    return "unknown" if load is None else f"{load:.1f}"


def _best(cell: Cell | None, winner: Cell) -> str:
    if cell is None or cell.seconds is None:
        return ""
    said = f"`{cell.implementation}` {words.seconds(cell.seconds.median)}"
    return f"**{said}**" if cell is winner else said
