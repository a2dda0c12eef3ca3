"""Pictures of a benchmark as SVG: times with intervals and the machine's limit, and growth with fitted slopes."""

from __future__ import annotations

import io
from collections.abc import Iterable
from textwrap import shorten
from typing import Any

import numpy as np

from xcheck._errors import UsageError
from xcheck._lazy import installed
from xcheck.bench.scaling import Curve
from xcheck.bench.schema import Cell, Measured
from xcheck.report import bench_words as words

Figure = Any  # matplotlib.figure.Figure: the extra "report" is not always there

#: Colours that the colour-blind tell apart (Okabe and Ito 2008); the layerwise engine has one of its own.
COLOURS = {"torch": "#d55e00", "jax": "#0072b2", "layerwise": "#009e73"}
INK, FAINT = "#333333", "#9a9a9a"


def _figure(width: float, height: float) -> Figure:
    if not installed("matplotlib"):
        raise UsageError("pictures need matplotlib: pip install 'xcheck[report]', or leave out --html and --svg")
    from matplotlib.figure import Figure as MatplotlibFigure

    return MatplotlibFigure(figsize=(width, height), layout="constrained")


def colour(cell: Cell) -> str:
    return COLOURS["layerwise" if "layerwise" in cell.implementation else cell.framework]


def bars(one: Measured) -> Figure:
    """Time of each implementation on a logarithmic axis, fastest on top, with its interval.

    What is not ranked is hollow and carries its verdict; a dashed line is the least time that the machine allows.
    """
    others = [cell for cell in one.refused if cell.seconds]
    cells = [*one.ranking, *sorted(others, key=_time)]
    figure = _figure(8.6, 0.9 + 0.29 * len(cells))
    axes = figure.add_subplot()
    floor = one.roof.floor if one.roof else 0.0
    left = min([_time(cell) for cell in cells] + ([floor] if floor else [])) / 1.6
    for row, cell in enumerate(cells):
        assert cell.seconds is not None
        time, low, high = cell.seconds.median, cell.seconds.low, cell.seconds.high
        face = colour(cell) if cell.ranked else "none"
        axes.barh(row, time - left, left=left, height=0.66, color=face, edgecolor=colour(cell), linewidth=1.2)
        axes.errorbar(time, row, xerr=[[time - low], [high - time]], color=INK, capsize=2.5, linewidth=1.1)
        said = words.seconds(time) + (f", {cell.ratio.median:.3g} x" if cell.ratio else ", one call")
        said += "" if cell.ranked else f"  {shorten(words.verdict(cell), 64, placeholder=' ...')}"
        axes.annotate(said, (max(high, time), row), (6, 0), textcoords="offset points", va="center", size=8, color=INK)
    if floor:
        axes.axvline(floor, color=FAINT, linestyle="--", linewidth=1)
        axes.annotate(
            "least that the machine allows", (floor, -0.62), (3, 0), textcoords="offset points", size=7, color=FAINT,
            va="bottom",
        )  # fmt: skip
    axes.set_xscale("log")
    axes.set_xlim(left, max(cell.seconds.high for cell in cells if cell.seconds) * 12)
    axes.set_ylim(len(cells) - 0.4, -0.9)
    axes.set_yticks(range(len(cells)), [cell.implementation for cell in cells], size=8)
    _time_axis(axes.xaxis)
    axes.set_title(f"{words.title(one.group)};  1 x is {one.baseline}", size=9, loc="left", color=INK)
    _plain(axes)
    return figure


def growth(found: Iterable[Curve]) -> Figure:
    """Time and memory of one quantity against one size, on logarithmic axes, with the fitted exponents."""
    listed = list(found)
    figure = _figure(8.6, 3.4)
    time, memory = figure.subplots(1, 2)
    for k, curve in enumerate(listed):
        shade = COLOURS["layerwise" if "layerwise" in curve.implementation else curve.implementation.split("_")[0]]
        style = {"color": shade, "marker": "osD^v<>"[k % 7], "markersize": 4, "linestyle": "none"}
        time.plot(curve.x, curve.seconds, label=_legend(curve), **style)
        if curve.law:
            time.plot(curve.x, [curve.law(x) for x in curve.x], color=shade, linewidth=1, alpha=0.7)
        shown = curve.peak > 0
        memory.plot(curve.x[shown], curve.peak[shown], **(style | {"linestyle": "-", "linewidth": 1}))
    for axes, title in ((time, "time"), (memory, "peak memory of one call")):
        axes.set_xscale("log", base=2)
        axes.set_yscale("log", base=10 if axes is time else 2)
        axes.set_xlabel(listed[0].axis, size=8)
        axes.set_title(f"{listed[0].quantity}: {title}", size=9, loc="left", color=INK)
        axes.set_xticks(listed[0].x, [f"{x:g}" for x in listed[0].x], size=8)
        axes.minorticks_off()
        _plain(axes)
    _time_axis(time.yaxis)
    memory.yaxis.set_major_formatter(lambda value, _: words.size(value))
    memory.tick_params(labelsize=8)
    figure.legend(*time.get_legend_handles_labels(), loc="outside lower left", fontsize=8, frameon=False, ncols=3)
    return figure


def svg(figure: Figure, name: str) -> str:
    """The figure as the text of an `<svg>` element; ids carry its name, so that a page can hold many."""
    from matplotlib import rc_context

    text = io.StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": name, "font.family": "sans-serif"}):
        figure.savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue()[text.getvalue().index("<svg") :]


def _legend(curve: Curve) -> str:
    if curve.law is None:
        return curve.implementation
    half = (curve.law.exponent.high - curve.law.exponent.low) / 2
    return f"{curve.implementation}: slope {curve.law.exponent.median:.2f} ± {half:.2f}"


def _time(cell: Cell) -> float:
    return cell.seconds.median if cell.seconds else np.inf


def _time_axis(axis: Any) -> None:
    axis.set_major_formatter(lambda value, _: words.seconds(value))
    axis.set_minor_formatter(lambda value, _: "")
    axis.set_tick_params(labelsize=8)


def _plain(axes: Any) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(True, which="major", color="#e6e6e6", linewidth=0.7)
    axes.set_axisbelow(True)
