"""Scaling: how time and memory grow along one axis of the sizes, and where two implementations cross."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from xcheck.bench.schema import Cell, Measured
from xcheck.bench.statistics import Law, crossing, power_law

LEAST_SIZES = 3
#: Table to what its groups vary.
AXES = {
    "scaling_n": "n", "scaling_width": "p", "scaling_depth": "p", "scaling_outputs": "c", "scaling_parameters": "p",
}  # fmt: skip


def along(one: Measured) -> tuple[str, float] | None:
    """The axis that a group stands on, and where; None for a group that stands alone.

    >>> from xcheck.bench.schema import Group
    >>> layer = Group(case="tanh_layer_512_8_n16", quantity="jacobian_inputs")
    >>> along(Measured(group=layer, table="modes", sizes={"n": 16, "c": 8, "d": 512, "p": 0}, processes=1))
    ('c / d', 0.015625)
    """
    if one.table in AXES:
        return AXES[one.table], float(one.sizes[AXES[one.table]])
    # The layers of the table of modes have 4096 weights each, from few outputs to many; a single example has no size.
    if one.table == "modes" and one.group.quantity == "jacobian_inputs" and one.sizes["n"] > 1:
        return "c / d", one.sizes["c"] / one.sizes["d"]
    return None


@dataclass(frozen=True)
class Curve:
    """One implementation over the sizes of one axis; `law` is of the seconds, `memory` of the peak.

    `low` and `high` are the ends of the intervals of the seconds.
    """

    table: str
    axis: str
    quantity: str
    implementation: str
    x: np.ndarray
    seconds: np.ndarray
    low: np.ndarray
    high: np.ndarray
    peak: np.ndarray
    law: Law | None
    memory: Law | None


def curves(groups: Iterable[Measured]) -> list[Curve]:
    """The curves of all scaling tables, of cells that are right."""
    points: dict[tuple[str, str, str, str], list[tuple[float, Cell]]] = defaultdict(list)
    for one in groups:
        if place := along(one):
            axis, x = place
            for cell in one.ranking:
                points[one.table, axis, one.group.quantity, cell.implementation].append((x, cell))
    found = []
    for (table, axis, quantity, name), cells in points.items():
        cells.sort(key=lambda pair: pair[0])
        x = np.array([size for size, _ in cells], dtype=np.float64)
        times = [cell.seconds for _, cell in cells if cell.seconds]
        seconds, low, high = (np.array([getattr(one, end) for one in times]) for end in ("median", "low", "high"))
        peak = np.array([float(cell.peak or 0) for _, cell in cells])
        enough = len(x) >= LEAST_SIZES
        law = power_law(x, seconds) if enough else None
        memory = power_law(x, peak) if enough and bool((peak > 0).all()) else None
        found.append(Curve(table, axis, quantity, name, x, seconds, low, high, peak, law, memory))
    return found


@dataclass(frozen=True)
class Crossing:
    """Where `first` stops being faster than `second`: measured between sizes, and predicted by the power laws."""

    axis: str
    quantity: str
    first: str
    second: str
    measured: float | None
    predicted: float | None


def crossings(found: Iterable[Curve]) -> list[Crossing]:
    """Each pair of curves on the same sizes that cross, or whose laws say that they will."""
    out = []
    listed = list(found)
    for k, a in enumerate(listed):
        for b in listed[k + 1 :]:
            if (a.table, a.quantity) != (b.table, b.quantity) or not np.array_equal(a.x, b.x):
                continue
            # Where the intervals overlap, nobody is ahead: a crossing is claimed between sizes that tell them apart.
            apart = (a.high < b.low) | (b.high < a.low)
            met = crossing(a.x[apart], (a.seconds / b.seconds)[apart])
            said = predicted(a.law, b.law) if a.law and b.law else None
            if met is not None:
                first, second = (a, b) if a.seconds[0] < b.seconds[0] else (b, a)
                out.append(Crossing(a.axis, a.quantity, first.implementation, second.implementation, met, said))
    return out


def predicted(a: Law, b: Law) -> float | None:
    """`(f_a / f_b)^(1 / (e_b - e_a))`; None where the exponents' intervals overlap.

    >>> from xcheck.bench.schema import Estimate
    >>> predicted(Law(1.0, Estimate(2, 2, 2)), Law(10.0, Estimate(1, 1, 1)))
    10.0
    """
    if a.exponent.low <= b.exponent.high and b.exponent.low <= a.exponent.high:
        return None
    return float((a.factor / b.factor) ** (1 / (b.exponent.median - a.exponent.median)))
