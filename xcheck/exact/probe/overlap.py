"""overlap: whether what is claimed and what is proven can both be true."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import flint
import numpy as np

from xcheck._errors import Undecidable
from xcheck.exact.probe.line import Pair


def overlap(pairs: Iterable[Pair]) -> list[str]:
    """What contradicts: one line for each pair that does not overlap.

    Raises:
        Undecidable: nothing contradicts, but a pair is not finite and so proves nothing.
    """
    faults, void = [], None
    for number, (claimed, proven) in enumerate(pairs):
        a, b = np.ravel(claimed), np.ravel(proven)
        apart = [k for k, (x, y) in enumerate(zip(a, b, strict=True)) if not _real(x).overlaps(_real(y))]
        if apart:
            k = apart[0]
            faults.append(
                f"check {number}: {len(apart)} of {a.size} entries, the first at {k}: {a[k]} is not in {b[k]}"
            )
        void = void or next((f"check {number}: {y} proves nothing" for y in b if not y.is_finite()), None)
    if void and not faults:
        raise Undecidable(void)
    return faults


def _real(z: Any) -> Any:
    return z.real if isinstance(z, flint.acb) else z
