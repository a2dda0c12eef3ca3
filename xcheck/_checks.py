"""Separate lines of a verdict, each with its own bound in the units of the judge."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import fsum

import numpy as np

from xcheck._dtypes import UNIT
from xcheck._judge import LIMIT, distance, held, norm
from xcheck._reference import Leaf

#: A vector, what it is multiplied with, and the leaf of that one's reference.
Pairs = Sequence[tuple[np.ndarray, np.ndarray, Leaf]]


def symmetry(A: np.ndarray, leaf: Leaf, dtype: str) -> str:
    """`|A - A^T| <= 32 u (S + S^T)`, for A of shape (p, p)."""
    S = held(leaf, dtype)
    off, unit = np.abs(A - A.T), UNIT[dtype] * (S + S.T)
    units = np.where(off > 0, np.inf, 0.0)
    np.divide(off, unit, out=units, where=unit > 0)
    worst = float(np.max(units, initial=0.0))
    if worst <= LIMIT:
        return "ok"
    i, j = np.unravel_index(int(np.argmax(units)), units.shape)
    return f"not symmetric: |A - A^T| is {worst:.2g} u (S + S^T) at [{i}, {j}], limit {LIMIT:g}"


def positive_semidefinite(A: np.ndarray, leaf: Leaf, dtype: str) -> str:
    """`lambda_min(sym A) >= -32 u ||S||_F`, for A of shape (p, p)."""
    least = float(np.linalg.eigvalsh((A + A.T) / 2)[0]) if A.size else 0.0
    unit = UNIT[dtype] * norm(held(leaf, dtype))
    # The eigenvalue solver works in float64 and errs by about p u ||A|| itself.
    allowed = LIMIT * unit + len(A) * UNIT["float64"] * norm(A)
    if least >= -allowed:
        return "ok"
    return f"not positive semidefinite: the least eigenvalue is {least:.3g}, allowed {-allowed:.2g}"


def adjoint(Jv: Pairs, JTw: Pairs, dtype: str) -> str:
    """`|w.Jv - v.J^T w| <= 32 u (|w|.S_Jv + |v|.S_JTw)`.

    `Jv` pairs each w with the Jv that it meets and the leaf of its reference, `JTw` each v with its J^T w and leaf.

    >>> one, leaf = np.ones(1), Leaf(np.ones(1), np.zeros(1), np.zeros(1), np.ones(1))
    >>> adjoint([(one, one, leaf)], [(one, one, leaf)], "float32")
    'ok'
    """
    both = [*Jv, *((-v, pulled, leaf) for v, pulled, leaf in JTw)]
    # fsum: a sum that rounded by itself would be judged along with the result.
    apart = abs(fsum(float(x) for vector, found, _ in both for x in np.ravel(vector * found)))
    S = fsum(float(x) for vector, _, leaf in both for x in np.ravel(np.abs(vector) * held(leaf, dtype)))
    if apart <= LIMIT * UNIT[dtype] * S:
        return "ok"
    units = apart / (UNIT[dtype] * S) if S else np.inf
    return f"not adjoint: |w.Jv - v.J^T w| is {units:.2g} u (|w|.S_Jv + |v|.S_JTw), limit {LIMIT:g}"


def aux(found: np.ndarray, own: Iterable[np.ndarray], leaf: Leaf, dtype: str, eager: bool) -> str:
    """Bitwise one of the program's own values, which `own` holds for each way of batching; judged unless eager."""
    if any(np.array_equal(found, one, equal_nan=True) for one in own):
        return "ok"
    if eager:
        return "not bitwise the program's own value, neither of the batch nor of one example at a time"
    against = distance(found, leaf, dtype)
    return "ok" if against.agrees else f"not the program's own value: ratio {against.ratio:.2g}, limit {LIMIT:g}"
