"""One self-contained HTML page of a benchmark: what to use, every comparison, how things grow, how it was measured.

It opens offline: pictures are inline SVG, and the few lines of script only filter the first table.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape
from itertools import groupby
from pathlib import Path

from xcheck.bench.decide import Decision, decisions
from xcheck.bench.scaling import crossings, curves
from xcheck.bench.schema import Bench, Cell, Measured
from xcheck.bench.tables import TABLES
from xcheck.report import bench_words as words
from xcheck.report.bench_pictures import bars, growth, svg
from xcheck.run.journal import write_atomically

STYLE = """
:root { --ink: #222; --faint: #6b6b6b; --line: #e2e2e2; --torch: #d55e00; --jax: #0072b2; --layerwise: #009e73; }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin-bottom: .2rem; } h2 { margin-top: 2.4rem; border-bottom: 1px solid var(--line); }
p.lead { color: var(--faint); margin-top: 0; } a { color: var(--jax); }
table { border-collapse: collapse; width: 100%; font-size: 13.5px; }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top; }
th { position: sticky; top: 0; background: #fff; } tr.unranked { color: var(--faint); }
td.win { font-weight: 600; } .torch { color: var(--torch); } .jax { color: var(--jax); }
.layerwise { color: var(--layerwise); } svg { width: 100%; height: auto; margin: .8rem 0 .2rem; }
select { font: inherit; padding: .15rem .4rem; } details { margin-bottom: .8rem; } summary { cursor: pointer; }
pre { background: #f6f6f6; padding: .8rem; overflow: auto; font-size: 12.5px; }
"""
SCRIPT = """
for (const box of document.querySelectorAll("select")) box.addEventListener("change", () => {
  for (const row of document.querySelectorAll("tr[data-quantity]"))
    row.hidden = box.value !== "" && row.dataset.quantity !== box.value;
});
"""


def write_page(bench: Bench, path: Path) -> None:
    """Writes the page, whole or not at all."""
    write_atomically(path, page(bench).encode())


def page(bench: Bench) -> str:
    parts = [
        "<!doctype html><html lang='en'><meta charset='utf-8'>",
        "<meta name='viewport' content='width=device-width'><title>xcheck bench</title>",
        f"<style>{STYLE}</style><h1>Derivatives and curvature: which way is fastest?</h1>",
        f"<p class='lead'>{_machine(bench)}. Every result is judged against a reference before it is timed; "
        "what is wrong is never ranked.</p>",
        *_decisions(decisions(bench.groups)),
        *_comparisons(bench),
        *_growth(bench),
        *_method(bench),
        f"<script>{SCRIPT}</script></html>",
    ]
    return "\n".join(parts)


def _machine(bench: Bench) -> str:
    kept = [name for name in ("torch", "jax", "numpy") if name in bench.versions]
    versions = ", ".join(f"{name} {bench.versions[name]}" for name in kept)
    return escape(f"{bench.machine.get('processor')}, {bench.machine.get('cores')} cores; {versions}")


def _decisions(found: list[Decision]) -> Iterator[str]:
    yield "<h2>Which should I use?</h2>"
    quantities = dict.fromkeys(one.measured.group.quantity for one in found)
    options = "".join(f"<option>{escape(name)}</option>" for name in quantities)
    yield f"<p>Show <select><option value=''>every quantity</option>{options}</select></p>"
    yield "<table><tr><th>quantity<th>network<th>p<th>fastest in PyTorch<th>fastest in JAX<th>as fast as the best"
    for one in found:
        group = one.measured.group
        best = "".join(_best(one.best[name], one.winner) for name in ("torch", "jax"))
        yield (
            f"<tr data-quantity='{escape(group.quantity)}'><td>{escape(group.quantity)}"
            f"<td><a href='#{escape(one.measured.key)}'>{escape(words.network(group.case))}</a>"
            f"<td>{one.measured.sizes['p']:,}{best}<td>{escape(', '.join(one.tied))}"
        )
    yield "</table><p>The fastest of a row is bold; times are medians of interleaved rounds.</p>"


def _best(cell: Cell | None, winner: Cell) -> str:
    if cell is None or cell.seconds is None:
        return "<td>"
    mark = " class='win'" if cell is winner else ""
    return f"<td{mark}>{_named(cell)} {words.seconds(cell.seconds.median)}"


def _named(cell: Cell) -> str:
    kind = "layerwise" if "layerwise" in cell.implementation else cell.framework
    return f"<span class='{kind}'>{escape(cell.implementation)}</span>"


def _comparisons(bench: Bench) -> Iterator[str]:
    shown = [one for one in bench.groups if not one.table.startswith("scaling")]
    for name, groups in groupby(shown, key=lambda one: one.table):
        yield f"<h2>{escape(TABLES[name][0])}</h2>"
        for one in groups:
            yield f"<div id='{escape(one.key)}'>"
            if any(cell.seconds for cell in one.cells):
                yield svg(bars(one), one.key)
            yield f"<details><summary>all figures of {escape(words.title(one.group))}</summary>"
            yield from _cells(one)
            yield "</details></div>"


def _cells(one: Measured) -> Iterator[str]:
    published = words.PUBLISHED if one.table == "linear" else {}
    yield f"<table><tr><th>implementation<th>time<th>ratio to {escape(one.baseline or '')}<th>of the limit"
    yield "<th>first call<th>peak memory<th>result<th>rounds<th>CPU / wall<th>verdict" + (
        "<th>published" if published else ""
    )
    for cell in [*one.ranking, *one.refused, *one.unsupported]:
        time = words.seconds(cell.seconds.median) if cell.seconds else ""
        first = words.seconds(cell.first) if cell.first is not None else ""
        busy = f"{cell.cpu / cell.seconds.median:.2f}" if cell.cpu and cell.seconds else ""
        said = published.get(cell.implementation.removeprefix("torch_"))
        last = f"<td>{words.seconds(said) if said else ''}" if published else ""
        yield (
            f"<tr class='{'ranked' if cell.ranked else 'unranked'}'><td>{_named(cell)}<td>{time}"
            f"<td>{words.ratio(cell.ratio)}<td>{words.share(cell.fraction)}<td>{first}<td>{words.size(cell.peak)}"
            f"<td>{words.size(cell.result_bytes)}<td>{cell.rounds}<td>{busy}<td>{escape(words.verdict(cell))}{last}"
        )
    yield "</table>"


def _growth(bench: Bench) -> Iterator[str]:
    found = curves(bench.groups)
    if not found:
        return
    yield "<h2>How time and memory grow</h2>"
    for (table, quantity), part in groupby(found, key=lambda curve: (curve.table, curve.quantity)):
        yield svg(growth(part), f"{table}-{quantity}")
    crossed = crossings(found)
    if crossed:
        yield "<table><tr><th>quantity<th>faster below<th>faster above<th>measured at<th>predicted by the slopes"
        for one in crossed:
            ends = [f"{one.axis} = {x:.3g}" if x is not None else "" for x in (one.measured, one.predicted)]
            yield f"<tr><td>{'<td>'.join(map(escape, (one.quantity, one.first, one.second, *ends)))}"
        yield "</table>"


def _method(bench: Bench) -> Iterator[str]:
    yield "<h2>How it was measured</h2>"
    yield (
        "<p>Implementations of a group take turns in random order within each round, together with a matrix product "
        "and a write of the quantity's least bytes; ratios are medians of pairs within a round, with 95 % bootstrap "
        "intervals. The limit is the larger of the least floating-point operations over the product's rate and the "
        "least bytes over the write's. Peak memory is what one call adds to its own process. Hollow bars are results "
        "that the judge refused.</p>"
    )
    facts = {"machine": bench.machine, "versions": bench.versions, "settings": bench.settings}
    yield f"<pre>{escape(_listed(facts))}</pre>"
    if bench.notes:
        yield "<ul>" + "".join(f"<li>{escape(note)}" for note in bench.notes) + "</ul>"


def _listed(facts: object, indent: str = "") -> str:
    if not isinstance(facts, dict):
        return f" {facts}"
    return "".join(f"\n{indent}{key}:{_listed(value, indent + '  ')}" for key, value in facts.items())


def write_pictures(bench: Bench, folder: Path) -> Iterable[Path]:
    """Every picture of the page as an SVG file of its own."""
    drawn = {
        one.key.replace("/", "-"): bars(one)
        for one in bench.groups
        if not one.table.startswith("scaling") and any(cell.seconds for cell in one.cells)
    }
    for (table, quantity), part in groupby(curves(bench.groups), key=lambda curve: (curve.table, curve.quantity)):
        drawn[f"{table}-{quantity}"] = growth(part)
    for name, figure in drawn.items():
        path = folder / f"{name}.svg"
        write_atomically(path, svg(figure, name).encode())
        yield path
