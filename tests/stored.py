"""Which references lie beside the shipped cases: one that does not takes minutes, too long for a test."""

from __future__ import annotations

from xcheck._store import folders


def stored(case: str, quantity: str) -> bool:
    beside, _ = folders()
    return any(beside.glob(f"{case}.{quantity}.*.npz"))
