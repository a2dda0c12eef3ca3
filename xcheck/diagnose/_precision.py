"""Lower precision: claimed where every value is representable in it, though the right ones are not, or where a rerun of
the exact program, rounded everywhere or in its products or functions alone, errs in the same way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from xcheck._dtypes import UNIT
from xcheck._errors import Undecidable
from xcheck._judge import distance, rounding_scale
from xcheck.arrays import rounded
from xcheck.diagnose._hypothesis import BITS, Evidence, various
from xcheck.diagnose._local import wrong_entries
from xcheck.diagnose._rerun import affordable
from xcheck.exact.derivatives import Derivatives
from xcheck.exact.emulated import Emulated, EmulatedFunctions, EmulatedProducts
from xcheck.exact.monte_carlo import MonteCarlo
from xcheck.result import Explanation

#: What is said of a rerun, the dtype that it rounds to and its algebra, from fine to coarse.
EMULATED: tuple[tuple[str, str, Callable[[str], MonteCarlo]], ...] = (
    ("was computed in", "float32", Emulated),
    ("has its functions in", "float32", EmulatedFunctions),
    ("has its matrix products in", "tf32", EmulatedProducts),
    ("has its matrix products in", "bfloat16", EmulatedProducts),
    ("was computed in", "bfloat16", Emulated),
)
#: A pattern is the same from this correlation on. Runs of PyTorch in bfloat16 leave 0.35 to 1 of it, most of them more
#: than 0.57, and in float32 less; a tanh approximated by a fraction reached 0.47, which is no matter of precision.
SAME = 0.55
#: Errors that have nothing to do with each other correlate by 1 / sqrt(entries): so many times that is no chance.
CHANCE = 8.0
#: Sizes of errors that are alike differ by at most this factor.
ALIKE = 4.0


def stored_in(evidence: Evidence) -> Iterator[Explanation]:
    """The coarsest dtype that holds every value and in which the result agrees."""
    wrong = wrong_entries(evidence, evidence.reference.leaves)
    A = np.concatenate([evidence.actual[path][where] for path, where in wrong.items()])
    R = np.concatenate([evidence.reference.leaves[path].value[where] for path, where in wrong.items()])
    live = A != 0  # every dtype holds 0, so that zeros are no evidence of one
    for dtype in ("bfloat16", "float32"):
        held = all(np.array_equal(A, rounded(A, dtype)) for A in evidence.actual.values())
        # Where the right values are numbers of few bits as well, as of integers, so are wrong ones of any cause.
        telling = np.count_nonzero(live & (rounded(R, dtype) != R)) > np.count_nonzero(live) / 2
        if UNIT[dtype] > UNIT[evidence.dtype] and held and telling and worst_ratio(evidence, dtype) is not None:
            yield Explanation("precision", dtype, f"was computed or stored in {dtype}: every value is one of {dtype}")
            return


def reproduced(evidence: Evidence) -> Iterator[Explanation]:
    """The emulated rerun whose errors are most like those of the result, if they are of one size and one pattern."""
    found = [
        (alike(evidence, algebra(dtype)), said, dtype)
        for said, dtype, algebra in EMULATED
        if UNIT[dtype] > UNIT[evidence.dtype] and worst_ratio(evidence, dtype) is not None and affordable(evidence)
    ]
    same, said, dtype = max(found, default=(0.0, "", ""))
    if same > 0:
        text = f"{said} {dtype}: a rerun that rounds there errs alike (correlation {same:.2f})"
        yield Explanation("precision", dtype, text)


def alike(evidence: Evidence, algebra: MonteCarlo) -> float:
    """The correlation of the result's errors with those of the rerun; 0 where it may be chance."""
    evidence.in_time()
    try:
        rerun = evidence.quantity.reference(Derivatives(evidence.case, algebra, evidence.dtype))
    except Undecidable:  # the case sits on a kink, where a rerun may take the other side
        return 0.0
    # A reference that a caller has given may be of other numbers than the case's.
    if {p: np.shape(a) for p, a in rerun.items()} != {p: a.shape for p, a in evidence.actual.items()}:
        return 0.0
    ours, theirs = errors(evidence, evidence.actual), errors(evidence, rerun)
    sizes = float(np.linalg.norm(ours)), float(np.linalg.norm(theirs))
    if not min(sizes) > 0 or not 1 / ALIKE <= sizes[0] / sizes[1] <= ALIKE:
        return 0.0
    # A shift that all entries share, as a stale number makes one, is no pattern; one entry alone has only its size.
    a, b = (ours, theirs) if ours.size == 1 else (ours - np.mean(ours), theirs - np.mean(theirs))
    size, other = float(np.linalg.norm(a)), float(np.linalg.norm(b))
    if not min(size, other) > 0:
        return 0.0
    same, left = float(a @ b) / size / other, float(np.linalg.norm(a - b)) / size
    # Entries with the same error are one piece of evidence.
    entries = various(evidence.actual[path] - leaf.value for path, leaf in evidence.reference.leaves.items())
    proven = entries * -np.log2(max(left, UNIT[evidence.dtype])) >= BITS
    if proven:
        return max(same, 1 - left)
    return same if same >= SAME and same * entries**0.5 >= CHANCE else 0.0


def errors(evidence: Evidence, found: Mapping[str, Any]) -> np.ndarray:
    """`(A - R) / S` of every entry with S > 0."""
    parts = []
    for path, leaf in evidence.reference.leaves.items():
        S = rounding_scale(leaf, evidence.dtype)
        parts.append(((np.asarray(found[path], dtype=np.float64) - leaf.value)[S > 0] / S[S > 0]).ravel())
    return np.concatenate(parts)


def worst_ratio(evidence: Evidence, dtype: str) -> float | None:
    """The ratio in units of another dtype's rounding; None where the result would disagree there too."""
    found = [distance(evidence.actual[path], leaf, dtype) for path, leaf in evidence.reference.leaves.items()]
    return max(d.ratio for d in found) if all(d.agrees for d in found) else None
