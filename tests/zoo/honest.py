"""Right results, computed by xcheck's own implementations in the dtype that is judged: which checks reject them."""

from __future__ import annotations

from typing import Any

from xcheck import Outcome
from zoo.competitors import COMPETITORS
from zoo.count import judged
from zoo.planting import cells
from zoo.running import computed, small


def rejected(cases: tuple[str, ...], dtype: str) -> dict[str, Any]:
    """How many PyTorch gave of the small cases, and how many of those the judge and each other check reject."""
    found: dict[str, Any] = {"results": 0, "judge": 0} | {c.name: 0 for c in COMPETITORS}
    for here in cells(cases, dtype):
        A = computed(here.case, here.quantity, "torch", dtype) if small(here.case) else None
        if A is None:
            continue
        found["results"] += 1
        found["judge"] += judged(here, dict(A), False).outcome is not Outcome.AGREES
        for competitor in COMPETITORS:
            found[competitor.name] += not competitor.passes(A, here.exact.leaves, dtype)
    return found


def said(found: dict[str, dict[str, Any]]) -> str:
    """The figures that the docs quote."""
    return "\n".join(
        f"{dtype}: of {one['results']} right results "
        + ", ".join(f"{name} rejects {count}" for name, count in one.items() if name != "results")
        for dtype, one in found.items()
    )
