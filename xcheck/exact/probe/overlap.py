"""overlap: whether what is claimed and what is proven can both be true."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import flint
import numpy as np

from xcheck.exact.probe.line import Pair


def overlap(pairs: Iterable[Pair]) -> list[str]:
    """What contradicts: one line for each pair that does not overlap, or whose enclosure proves nothing.

    An enclosure wider than 2^-60 of its largest entry, and than 2^-150 (for what is zero), is void: it would overlap
    anything.
    """
    faults = []
    for number, (claimed, proven) in enumerate(pairs):
        a, b = np.ravel(claimed), np.ravel(proven)
        apart = [k for k, (x, y) in enumerate(zip(a, b, strict=True)) if not _real(x).overlaps(_real(y))]
        if apart:
            k = apart[0]
            faults.append(
                f"check {number}: {len(apart)} of {a.size} entries, the first at {k}: {a[k]} is not in {b[k]}"
            )
        widest = max((_real(y).rad() for y in b), default=flint.arb(0))
        largest = max((abs(_real(y)).upper() for y in b), default=flint.arb(0))
        if not widest <= largest * flint.arb(2) ** -60 and widest > flint.arb(2) ** -150:
            faults.append(f"check {number}: the enclosure is too wide to prove anything ({widest} of {largest})")
    return faults


def _real(z: Any) -> Any:
    return z.real if isinstance(z, flint.acb) else z
