"""Separate lines of a verdict, each with its own bound in the units of the judge."""

from __future__ import annotations

import numpy as np

from xcheck._dtypes import UNIT
from xcheck._judge import LIMIT, distance, norm, rounding_scale
from xcheck._reference import Leaf


def symmetry(A: np.ndarray, leaf: Leaf, dtype: str) -> str:
    """`|A - A^T| <= 32 u (S + S^T)`, for A of shape (p, p)."""
    S = rounding_scale(leaf, dtype)
    off, unit = np.abs(A - A.T), UNIT[dtype] * (S + S.T)
    units = np.where(off > 0, np.inf, 0.0)
    np.divide(off, unit, out=units, where=unit > 0)
    worst = float(np.max(units, initial=0.0))
    if worst <= LIMIT:
        return "ok"
    i, j = np.unravel_index(int(np.argmax(units)), units.shape)
    return f"not symmetric: |A - A^T| is {worst:.2g} u (S + S^T) at [{i}, {j}], limit {LIMIT:g}"


def positive_semidefinite(A: np.ndarray, leaf: Leaf, dtype: str) -> str:
    """`lambda_min(sym A) >= -F u ||S||_F` with F the limit of ratio_F, for A of shape (p, p)."""
    least = float(np.linalg.eigvalsh((A + A.T) / 2)[0]) if A.size else 0.0
    unit = UNIT[dtype] * norm(rounding_scale(leaf, dtype))
    # The eigenvalue solver works in float64 and errs by about p u ||A|| itself.
    allowed = distance(A, leaf, dtype).limit_F * unit + len(A) * UNIT["float64"] * norm(A)
    if least >= -allowed:
        return "ok"
    return f"not positive semidefinite: the least eigenvalue is {least:.3g}, allowed {-allowed:.2g}"
