"""What is said where nothing explains the error: how large it is, and where; a name for it would be a guess."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from xcheck._dtypes import UNIT
from xcheck._judge import LIMIT, norm
from xcheck.diagnose._hypothesis import Evidence
from xcheck.diagnose._local import wrong_entries
from xcheck.diagnose._orders import axis_name
from xcheck.diagnose._precision import worst_ratio
from xcheck.result import Explanation

#: `||A - R||_F / ||R||_F` of a result with float32 somewhere inside: 16 u at most. Jacobians by PyTorch begin at u / 4.
SINGLE = (2.0**-27, 2.0**-20)
#: So many indices are named.
NAMED = 6


def unexplained(evidence: Evidence, reason: str = "no known explanation") -> Explanation:
    """The size of the error, relative to the largest entry and in norm, and what it is confined to."""
    entry, whole = relative(evidence)
    if size_of_single(evidence, whole):
        text = "has an error of the size of float32 rounding, cause unknown"
        return Explanation("rounding_size", "float32", f"{text}: {share(whole)} in norm, {confined(evidence)}")
    size = f"the error is {share(entry)} of the largest entry, {share(whole)} in norm"
    if not np.isfinite(whole):
        size = f"the error is {entry:.2g}, where the reference is 0 everywhere"
    return Explanation("unexplained", whole if np.isfinite(whole) else None, f"{reason}; {size}, {confined(evidence)}")


def relative(evidence: Evidence) -> tuple[float, float]:
    """`max |A - R| / max |R|` and `||A - R||_F / ||R||_F` over all leaves; where R is 0, `max |A|` and inf."""
    R = np.concatenate([np.ravel(leaf.value) for leaf in evidence.reference.leaves.values()])
    A = np.concatenate([np.ravel(evidence.actual[path]) for path in evidence.reference.leaves])
    finite = np.isfinite(R)
    E, R = np.where(finite, A - R, 0.0), np.where(finite, R, 0.0)
    largest, top = float(np.max(np.abs(E), initial=0.0)), float(np.max(np.abs(R), initial=0.0))
    return (largest / top, norm(E) / norm(R)) if top else (largest, np.inf)


def size_of_single(evidence: Evidence, whole: float) -> bool:
    """Whether float32, and no coarser dtype, is as far off as a whole and in each entry; it keeps structural zeros."""
    leaves = evidence.reference.leaves.items()
    if any(np.any(evidence.actual[path][(leaf.scale == 0) & (leaf.value == 0)]) for path, leaf in leaves):
        return False
    ratio = worst_ratio(evidence, "float32") if UNIT["float32"] > UNIT[evidence.dtype] else None
    return ratio is not None and ratio >= 1 / LIMIT and SINGLE[0] <= whole <= SINGLE[1]


def share(x: float) -> str:
    """In percent, where that is readable.

    >>> share(0.27), share(3e-7)
    ('27 %', '3e-07')
    """
    return f"{x:.2g}" if x < 1e-3 else f"{100 * x:.3g} %"


def confined(evidence: Evidence) -> str:
    """The leaves, parameters, examples, rows or columns that hold every wrong entry; else how many are wrong."""
    wrong = wrong_entries(evidence, evidence.reference.leaves)
    hit = {path: where for path, where in wrong.items() if np.any(where)}
    if not hit:
        return "spread over all entries: none is beyond the limit by itself"
    places = [f"in {', '.join(hit)} only"] if len(hit) < len(wrong) else []
    places += [
        f"in {said} only"
        for axis in range(max(where.ndim for where in hit.values()))
        for said in along(evidence, hit, axis)
    ]
    leaves = evidence.reference.leaves
    live = sum(int(np.count_nonzero(where | (leaves[path].scale > 0))) for path, where in hit.items())
    count = sum(int(np.count_nonzero(where)) for where in hit.values())
    spread = "spread over all entries" if 2 * count >= live else f"spread over {count} of {live} entries"
    return ", ".join(places) or spread


def along(evidence: Evidence, hit: dict[str, np.ndarray], axis: int) -> Iterator[str]:
    """Where all that is wrong lies along an axis, if that is at most half of it: some indices, or whole parameters."""
    lengths = {where.shape[axis] if where.ndim > axis else 0 for where in hit.values()}
    if len(lengths) > 1 or lengths == {0}:
        return
    rows = [np.any(np.moveaxis(where, axis, 0).reshape(where.shape[axis], -1), axis=1) for where in hit.values()]
    touched, what, names = np.flatnonzero(np.any(rows, axis=0)), kind(evidence, axis), []
    if axis in evidence.axes("p"):
        blocks = evidence.blocks.items()
        names = [name for name, block in blocks if np.any((block.start <= touched) & (touched < block.stop))]
    if 2 * len(touched) <= lengths.pop() and (len(touched) <= NAMED or not names):
        said = ", ".join(map(str, touched[:NAMED])) + (", ..." if len(touched) > NAMED else "")
        yield f"{what} {said}" + (f" (of {', '.join(names)})" if names else "")
    elif names and 2 * len(names) <= len(evidence.blocks):
        yield f"the {what}s of {', '.join(names)}"


def kind(evidence: Evidence, axis: int) -> str:
    """What one index along an axis is."""
    if evidence.quantity.shape in ("p p", "b b", "k k"):
        return ("row", "column")[axis]
    names = {"n": "example", "c": "output", "p": "parameter", "d": "input entry"}
    name = axis_name(evidence, axis)
    return names.get(name) or f"{names.get(name[:1], 'index')} along axis {axis},"
