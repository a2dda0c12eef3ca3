"""How far a result is from its reference, in units of the rounding error that the computation may honestly have.

::

    ratio   = max over elements (|A - R| - rad) / (u S)
    ratio_F = ||A - R||_F / (u ||S||_F)
    agrees <=> ratio <= 32  and  ratio_F <= max(2, 32 / sqrt(m)),  m = ||S||_F^2 / max S^2,  and S = 0 is exact
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from xcheck._dtypes import UNIT
from xcheck._reference import Leaf, Reference, floored
from xcheck.result import Explanation, Outcome, Worst, number

#: The limit of `ratio`, set after a study of 542 right results, the largest of which had 13 (wrong ones: from 2800).
LIMIT = 32.0
#: The least limit of `ratio_F`.
LIMIT_F = 2.0
#: A right result is seldom above this, so the verdict warns.
WARN = 10.0

Arrays = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Verdict:
    """What the judge says of one result; true where it agrees.

    `nonzero` is the share of entries whose reference is not 0, `decided` the share of entries with |R| > 32 u S among
    those with S > 0: below that, the dtype does not determine the entry.
    """

    outcome: Outcome
    ratio: float | None = None
    ratio_F: float | None = None
    worst: Worst | None = None
    diagnosis: tuple[Explanation, ...] = ()
    checks: Mapping[str, str] = field(default_factory=dict)
    nonzero: float | None = None
    decided: float | None = None
    reason: str | None = None
    text: str = ""

    def __bool__(self) -> bool:
        return self.outcome is Outcome.AGREES


@dataclass(frozen=True)
class Distance:
    """How far one leaf is off: `units` is (|A - R| - rad) / (u S) of each entry."""

    units: np.ndarray
    ratio: float
    ratio_F: float
    limit_F: float

    @property
    def agrees(self) -> bool:
        return self.ratio <= LIMIT and self.ratio_F <= self.limit_F

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


def norm(x: np.ndarray) -> float:
    """`||x||_F`, scaled by the largest entry first, so that 1e-300 squared is no zero."""
    largest = float(np.max(np.abs(x), initial=0.0))
    return 0.0 if largest == 0.0 else largest * float(np.sqrt(np.sum((x / largest) ** 2)))


def distance(A: np.ndarray, leaf: Leaf, dtype: str) -> Distance:
    """The ratios of one leaf; where the reference itself is infinite or NaN, only the same will do."""
    u, S, R = UNIT[dtype], rounding_scale(leaf, dtype), leaf.value
    finite = np.isfinite(R)
    S = np.where(finite, S, 0.0)
    with np.errstate(invalid="ignore", over="ignore"):
        error = np.where(
            finite, np.abs((A - R) - leaf.low), np.where((R == A) | (np.isnan(R) & np.isnan(A)), 0, np.inf)
        )
        excess = np.maximum(error - np.where(finite, leaf.radius, 0.0), 0.0)
        units = np.where(excess > 0, np.inf, 0.0)
        np.divide(excess, u * S, out=units, where=S > 0)
    if not units.size:
        return Distance(units, 0.0, 0.0, LIMIT_F)
    size = norm(S)
    ratio = float(np.max(units))
    ratio_F = norm(error) / (u * size) if size and np.isfinite(ratio) else ratio
    m = (size / float(np.max(S))) ** 2 if size else 1.0
    return Distance(units, ratio, ratio_F, max(LIMIT_F, LIMIT / m**0.5))


def compare(actual: Arrays, reference: Reference, dtype: str) -> Verdict:
    """`agrees`, `disagrees` or `not_finite` for float64 arrays of the right paths and shapes."""
    distances = {path: distance(actual[path], leaf, dtype) for path, leaf in reference.leaves.items()}
    worst_path = max(distances, key=lambda path: severity(distances[path]))
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
    ratio = max(d.ratio for d in distances.values())
    nonzero, decided = shares(reference, dtype)
    return Verdict(
        outcome=outcome,
        ratio=ratio,
        ratio_F=max(d.ratio_F for d in distances.values()),
        worst=Worst(worst_path, list(index), float(leaf.value[index]), number(float(actual[worst_path][index])))
        if leaf.value.size
        else None,
        checks={"ratio": f"warn: {ratio:.2g} is above {WARN:g}"} if WARN < ratio <= LIMIT else {},
        nonzero=nonzero,
        decided=decided,
    )


def severity(found: Distance) -> float:
    """How far beyond its limits a leaf is."""
    return max(found.ratio / LIMIT, found.ratio_F / found.limit_F)


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
