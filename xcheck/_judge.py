"""How far a result is from its reference, in units of the rounding error that the computation may honestly have.

::

    ratio   = max over elements (|A - R| - rad) / (u S)
    ratio_F = ||A - R||_F / (u ||S||_F)
    agrees <=> ratio <= 32  and  ratio_F <= 32

An entry that is zero by structure, S = 0, is held to max S of its leaf: another algorithm may reach it by cancellation.
Where S is 0 in a whole leaf, the leaf must be exact. Errors that are independent of each other keep ratio_F below
max(2, 32 / sqrt(m)) with m = ||S||_F^2 / max S^2; above that one error is shared by all entries, and the verdict warns.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from xcheck._dtypes import UNIT
from xcheck._reference import Leaf, Reference, floored
from xcheck.result import Explanation, Outcome, Worst, number

#: The limit of both ratios, after a study of 542 right results, the largest of which had 13 (wrong ones: from 2800).
LIMIT = 32.0
#: A right result is seldom above this, so the verdict warns.
WARN = 10.0
#: Independent errors of many entries keep `ratio_F` below this.
WARN_F = 2.0

Arrays = Mapping[str, np.ndarray]


@dataclass(frozen=True, repr=False)
class Verdict:
    """What the judge says of one result; true where it agrees.

    `nonzero` is the share of entries whose reference is not 0, `decided` the share of entries with |R| > 32 u S among
    those with S > 0: below that, the dtype does not determine the entry. `resolution` is the least relative error that
    would have been seen, of the largest entry and of the norm; None where the reference is 0.
    """

    outcome: Outcome
    ratio: float | None = None
    ratio_F: float | None = None
    worst: Worst | None = None
    diagnosis: tuple[Explanation, ...] = ()
    checks: Mapping[str, str] = field(default_factory=dict)
    nonzero: float | None = None
    decided: float | None = None
    resolution: tuple[float, float] | None = None
    reason: str | None = None
    text: str = ""

    def __bool__(self) -> bool:
        return self.outcome is Outcome.AGREES

    def __str__(self) -> str:
        return self.text or str(self.outcome)

    def __repr__(self) -> str:
        ratio = "" if self.ratio is None else f", ratio {self.ratio:.3g}"
        return f"<verdict {self.outcome}{ratio}>"


@dataclass(frozen=True)
class Distance:
    """How far one leaf is off: `units` is (|A - R| - rad) / (u S) of each entry.

    `warn_F` is what `ratio_F` stays below where errors are independent; `normwise` leaves the judgement to `ratio_F`.
    """

    units: np.ndarray
    ratio: float
    ratio_F: float
    warn_F: float
    normwise: bool = False

    @property
    def severity(self) -> float:
        """The ratio that decides."""
        return self.ratio_F if self.normwise else max(self.ratio, self.ratio_F)

    @property
    def agrees(self) -> bool:
        return self.severity <= LIMIT

    @property
    def index(self) -> tuple[int, ...]:
        """Where the worst entry is."""
        return tuple(int(i) for i in np.unravel_index(int(np.argmax(self.units)), self.units.shape))


def rounding_scale(leaf: Leaf, dtype: str) -> np.ndarray:
    """S, floored at |R| and, where it is positive, at omega / u.

    >>> one = np.ones(2)
    >>> rounding_scale(Leaf(value=3 * one, low=0 * one, radius=0 * one, scale=one), "float64").tolist()
    [3.0, 3.0]
    """
    return floored(leaf.scale, leaf.value, dtype)


def held(leaf: Leaf, dtype: str) -> np.ndarray:
    """What each entry is held to: S, and max S of the leaf where S = 0.

    >>> zero = np.zeros(2)
    >>> held(Leaf(value=zero, low=zero, radius=zero, scale=np.array([3.0, 0.0])), "float64").tolist()
    [3.0, 3.0]
    """
    S = np.where(np.isfinite(leaf.value), rounding_scale(leaf, dtype), 0.0)
    return np.where(S > 0, S, np.max(S, initial=0.0))


def norm(x: np.ndarray) -> float:
    """`||x||_F`, scaled by the largest entry first, so that 1e-300 squared is no zero."""
    largest = float(np.max(np.abs(x), initial=0.0))
    return 0.0 if largest == 0.0 else largest * float(np.sqrt(np.sum((x / largest) ** 2)))


def distance(A: np.ndarray, leaf: Leaf, dtype: str, normwise: bool = False) -> Distance:
    """The ratios of one leaf; where the reference itself is infinite or NaN, only the same will do."""
    u, S, R = UNIT[dtype], held(leaf, dtype), leaf.value
    finite = np.isfinite(R)
    with np.errstate(invalid="ignore", over="ignore"):
        error = np.where(
            finite, np.abs((A - R) - leaf.low), np.where((R == A) | (np.isnan(R) & np.isnan(A)), 0, np.inf)
        )
        excess = np.maximum(error - np.where(finite, leaf.radius, 0.0), 0.0)
        units = np.where(excess > 0, np.inf, 0.0)
        np.divide(excess, u * S, out=units, where=S > 0)
    if not units.size:
        return Distance(units, 0.0, 0.0, WARN_F, normwise)
    size = norm(S)
    ratio = float(np.max(units))
    ratio_F = norm(error) / (u * size) if size and np.isfinite(ratio) else ratio
    m = (size / float(np.max(S))) ** 2 if size else 1.0
    return Distance(units, ratio, ratio_F, max(WARN_F, LIMIT / m**0.5), normwise)


def compare(actual: Arrays, reference: Reference, dtype: str, normwise: bool = False) -> Verdict:
    """`agrees`, `disagrees` or `not_finite` for float64 arrays of the right paths and shapes.

    `normwise` is for algorithms that are only normwise stable: ratio_F alone decides.
    """
    distances = {path: distance(actual[path], leaf, dtype, normwise) for path, leaf in reference.leaves.items()}
    worst_path = max(distances, key=lambda path: distances[path].severity)
    worst, leaf = distances[worst_path], reference.leaves[worst_path]
    lost = [
        path for path, leaf in reference.leaves.items() if np.any(~np.isfinite(actual[path]) & np.isfinite(leaf.value))
    ]
    if lost:
        worst_path, leaf = lost[0], reference.leaves[lost[0]]
        first = np.argwhere(~np.isfinite(actual[worst_path]) & np.isfinite(leaf.value))[0]
        index, outcome = tuple(int(i) for i in first), Outcome.NOT_FINITE
    else:
        index = worst.index if worst.units.size else ()
        outcome = Outcome.AGREES if all(d.agrees for d in distances.values()) else Outcome.DISAGREES
    nonzero, decided = shares(reference, dtype)
    return Verdict(
        outcome=outcome,
        ratio=max(d.ratio for d in distances.values()),
        ratio_F=max(d.ratio_F for d in distances.values()),
        worst=Worst(worst_path, list(index), float(leaf.value[index]), number(float(actual[worst_path][index])))
        if leaf.value.size
        else None,
        checks={**unusual(distances.values()), **structural_zeros(actual, reference, dtype, distances)},
        nonzero=nonzero,
        decided=decided,
        resolution=resolution(reference, dtype, normwise),
    )


def unusual(distances: Iterable[Distance]) -> dict[str, str]:
    """What is unusual for a right result and no proof of a wrong one."""
    found = list(distances)
    ratio, shared = max(d.ratio for d in found), max(found, key=lambda d: d.ratio_F / d.warn_F)
    said = {}
    if WARN < ratio <= LIMIT:
        said["ratio"] = f"warn: {ratio:.2g} is above {WARN:g}"
    if shared.warn_F < shared.ratio_F <= LIMIT:
        said["ratio_F"] = f"warn: {shared.ratio_F:.2g} is above {shared.warn_F:.2g}: one error shared by all entries"
    return said


def structural_zeros(
    actual: Arrays, reference: Reference, dtype: str, distances: Mapping[str, Distance]
) -> dict[str, str]:
    """What lies where S = 0: nothing is said where all of it is 0."""
    zeros = count = 0
    worst = 0.0
    for path, leaf in reference.leaves.items():
        here = (rounding_scale(leaf, dtype) == 0) & np.isfinite(leaf.value)
        zeros += int(np.sum(here))
        count += int(np.count_nonzero(actual[path][here]))
        worst = max(worst, float(np.max(distances[path].units[here], initial=0.0)))
    said = f"note: {count} of {zeros} are not 0, the largest {worst:.2g} u max S"
    return {"structural_zeros": said} if count else {}


def resolution(reference: Reference, dtype: str, normwise: bool) -> tuple[float, float] | None:
    """The least relative error that would have been seen, of the poorest leaf.

    ::

        32 u S / |R|  where |R| is largest,   and   32 u ||S||_F / ||R||_F
    """
    found = []
    for leaf in reference.leaves.values():
        R, S = np.where(np.isfinite(leaf.value), leaf.value, 0.0), held(leaf, dtype)
        if np.any(R):
            at = np.unravel_index(int(np.argmax(np.abs(R))), R.shape)
            entry = norm(S) if normwise else S[at]
            found.append(LIMIT * UNIT[dtype] * np.array([entry / abs(R[at]), norm(S) / norm(R)]))
    if not found:
        return None
    largest, whole = np.max(found, axis=0).tolist()
    return largest, whole


def fits(actual: Arrays, leaves: Mapping[str, Leaf], dtype: str) -> bool:
    """Whether a result agrees with some leaves, whatever they stand for."""
    return all(distance(actual[path], leaf, dtype).agrees for path, leaf in leaves.items())


def shares(reference: Reference, dtype: str) -> tuple[float, float]:
    """The share of entries that are not 0, and of those with S > 0 that the dtype determines: |R| > 32 u S."""
    R = np.concatenate([np.ravel(leaf.value) for leaf in reference.leaves.values()])
    S = np.concatenate([np.ravel(rounding_scale(leaf, dtype)) for leaf in reference.leaves.values()])
    live = S > 0
    decided = np.abs(R[live]) > LIMIT * UNIT[dtype] * S[live]
    return (float(np.mean(R != 0)) if R.size else 1.0), (float(np.mean(decided)) if decided.size else 1.0)
