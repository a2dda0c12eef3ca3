"""Medians with bootstrap intervals (Efron 1979), and power laws with the place where two of them cross."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb

import numpy as np

from xcheck.bench.schema import Estimate

DRAWS = 1000
#: The share of equal pairs that may be called unlike.
ALARMS = 0.003


def estimate(processes: Sequence[np.ndarray], level: float = 0.95, seed: int = 0) -> Estimate:
    """The median of the processes' medians, with the bootstrap's interval: processes are drawn, then their rounds.

    >>> estimate([np.ones(5), np.ones(7)])
    Estimate(median=1.0, low=1.0, high=1.0)
    """
    random = np.random.default_rng(seed)
    drawn = np.stack(
        [np.median(values[random.integers(values.size, size=(DRAWS, values.size))], axis=1) for values in processes]
    )
    chosen = random.integers(len(processes), size=(len(processes), DRAWS))
    medians = np.median(np.take_along_axis(drawn, chosen, axis=0), axis=0)
    low, high = np.quantile(medians, [(1 - level) / 2, (1 + level) / 2])
    middle = float(np.median([np.median(values) for values in processes]))
    return Estimate(middle, min(float(low), middle), max(float(high), middle))


def differs(ratios: np.ndarray) -> bool:
    """Whether paired ratios show two bodies to be unlike: the sign test (Dixon and Mood 1946).

    In random order the signs of equal bodies are fair coins whatever the noise, so false alarms stay below `ALARMS`.

    >>> differs(np.full(31, 1.1)), differs(np.array([0.9, 1.1] * 20))
    (True, False)
    """
    above, below = int(np.sum(ratios > 1)), int(np.sum(ratios < 1))
    n = above + below
    tail = sum(comb(n, k) for k in range(min(above, below) + 1))
    return 2 * tail < ALARMS * 2**n


#: Student's t at 97.5 % for 1, 2, ... degrees of freedom (Student 1908); beyond the table the normal value.
_STUDENT = (12.71, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)


@dataclass(frozen=True)
class Law:
    """`y = factor x^exponent`, with the 95 % interval of the exponent."""

    factor: float
    exponent: Estimate

    def __call__(self, x: float) -> float:
        return self.factor * x**self.exponent.median


def power_law(x: np.ndarray, y: np.ndarray) -> Law:
    """Least squares of log y on log x over the larger two thirds of the sizes: below, the overhead of a call rules.

    >>> law = power_law(np.array([1.0, 2, 4, 8, 16, 32]), 3 * np.array([1.0, 2, 4, 8, 16, 32]) ** 2)
    >>> round(law.exponent.median, 6), round(law.factor, 6)
    (2.0, 3.0)
    """
    kept = max(3, round(2 * len(x) / 3))
    u, v = np.log(x[-kept:]), np.log(y[-kept:])
    spread = np.sum((u - u.mean()) ** 2)
    slope = float(np.sum((u - u.mean()) * (v - v.mean())) / spread)
    left = v - v.mean() - slope * (u - u.mean())
    freedom = kept - 2
    student = _STUDENT[freedom - 1] if freedom <= len(_STUDENT) else 1.96
    half = student * float(np.sqrt(np.sum(left**2) / freedom / spread))
    return Law(float(np.exp(v.mean() - slope * u.mean())), Estimate(slope, slope - half, slope + half))


def crossing(x: np.ndarray, ratio: np.ndarray) -> float | None:
    """Where a ratio passes 1, between two sizes by a straight line in logarithms; None where it never does.

    >>> crossing(np.array([1.0, 4.0]), np.array([0.5, 2.0]))
    2.0
    """
    logs = np.log(ratio)
    for k in range(len(x) - 1):
        if logs[k] == 0 or logs[k] * logs[k + 1] < 0:
            share = logs[k] / (logs[k] - logs[k + 1])
            return float(np.exp(np.log(x[k]) + share * np.log(x[k + 1] / x[k])))
    return None
