"""Which certified references there are."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from rich.table import Table

from xcheck import _reference
from xcheck.case import Case
from xcheck.quantity import Quantity


def table(pairs: Iterable[tuple[Case, Quantity]]) -> Table:
    """One row a reference: its entries, how sharp it is, how far the program stays from its branches."""
    found = Table("case", "quantity", "entries", "largest radius / largest entry", "branch margin", "status", box=None)
    for case, quantity in pairs:
        if _reference.missing(case, quantity):
            found.add_row(case.name, quantity.name, "", "", "", "not made yet")
            continue
        one = _reference.reference(case, quantity)
        entries = sum(leaf.value.size for leaf in one.leaves.values())
        radius = max(float(np.max(leaf.radius, initial=0.0)) for leaf in one.leaves.values())
        largest = max(float(np.max(np.abs(leaf.value), initial=0.0)) for leaf in one.leaves.values())
        sharp = f"{radius / largest:.1e}" if largest else "exact"
        found.add_row(case.name, quantity.name, str(entries), sharp, f"{one.margin:.3g}", one.status)
    return found
