"""Which certified references there are."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from rich.table import Table

from xcheck import _reference, _store
from xcheck.case import Case
from xcheck.quantity import Quantity


def table(pairs: Iterable[tuple[Case, Quantity]]) -> Table:
    """One row a reference: its entries, how sharp it is, how far the program stays from its branches, where it lies.

    Where a case sits on kinks there is one for each framework's convention.
    """
    found = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("case", "quantity"):
        found.add_column(title, no_wrap=True)
    for title in ("entries", "radius / largest entry", "branch margin", "status", "where"):
        found.add_column(title)
    for case, quantity in pairs:
        for framework in _reference.conventions(case, quantity):
            found.add_row(case.name, quantity.name, *_row(case, quantity, framework))
    return found


def _row(case: Case, quantity: Quantity, framework: str | None) -> tuple[str, ...]:
    path = _reference.stored(case, quantity, framework=framework)
    if path is None:
        return "", "", "", "not made yet", ""
    one = _reference.reference(case, quantity, framework=framework)
    entries = sum(leaf.value.size for leaf in one.leaves.values())
    radius = max(float(np.max(leaf.radius, initial=0.0)) for leaf in one.leaves.values())
    largest = max(float(np.max(np.abs(leaf.value), initial=0.0)) for leaf in one.leaves.values())
    sharp = f"{radius / largest:.1e}" if largest else "exact"
    status = one.status if framework is None else f"{one.status} of {framework}"
    where = "cache" if path.parent == _store.folders()[1] else "with the case"
    return str(entries), sharp, f"{one.margin:.3g}", status, where
