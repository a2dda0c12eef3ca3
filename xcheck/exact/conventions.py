"""What each framework makes of an exact kink: the truth there is a convention, and this is its table.

A kink chooses between two branches; at the point itself the derivative is `w` times that of the first branch plus
`1 - w` times that of the second. `tests/exact/test_conventions.py` measures every entry with the installed frameworks.
"""

from __future__ import annotations

import numpy as np

from xcheck._errors import UnknownPrimitive

#: w by kind of kink and framework; None where a framework takes one side for the first derivative and the other for the
#: second, so that no weight describes it.
TIES: dict[str, dict[str, float | None]] = {
    "abs": {"torch": 0.5, "jax": 1.0},  # x | -x
    "relu": {"torch": 0.0, "jax": 0.0},  # x | 0
    "leaky_relu": {"torch": 0.0, "jax": 1.0},  # x | slope x
    "elu": {"torch": None, "jax": 0.0},  # x | alpha (exp x - 1)
    "hardtanh": {"torch": 0.0, "jax": 1.0},  # x | the bound
    "clip": {"torch": 1.0, "jax": 0.5},  # x | the bound
    "maximum": {"torch": 0.5, "jax": 0.5},  # either argument
    "minimum": {"torch": 0.5, "jax": 0.5},
    "huber": {"torch": 0.0, "jax": 1.0},  # the square | the line
    "softplus": {"torch": None, "jax": 0.0},  # x | log(1 + exp x), at the threshold
    "where": {"torch": 0.0, "jax": 0.0},  # a strict comparison does not hold at a tie
}
#: Reductions: whether all entries that tie share the derivative, or the first has it all.
SHARED: dict[str, dict[str, bool]] = {
    "max": {"torch": True, "jax": True},
    "max_pool": {"torch": False, "jax": False},
}


def tie(kind: str, framework: str | None) -> float:
    """The weight of the first branch at a kink; NaN where no framework is asked or none helps: nothing is guessed.

    >>> tie("abs", "jax"), tie("abs", None)
    (1.0, nan)
    """
    if kind not in TIES:
        raise UnknownPrimitive(f"no convention for kinks of {kind!r}; add it to xcheck/exact/conventions.py")
    weight = None if framework is None else TIES[kind][framework]
    return float("nan") if weight is None else weight


def shared(kind: str, framework: str | None, first: np.ndarray, tied: np.ndarray) -> np.ndarray | None:
    """Which entries of each row take part in its maximum; None where no framework is asked."""
    if framework is None:
        return None
    winners = tied if SHARED[kind][framework] else np.zeros_like(tied)
    winners[np.arange(len(first)), first] = True
    return winners
