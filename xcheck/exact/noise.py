"""noise: the rounding scale S of quantities of a case, from runs of its derivatives in Monte-Carlo arithmetic."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

import numpy as np

from xcheck.exact.derivatives import Derivatives
from xcheck.exact.monte_carlo import NOISE, RUNS, MonteCarlo
from xcheck.exact.rule import Rule
from xcheck.exact.ties import DrawnFloats

#: The middle of every leaf of a quantity.
Centres = Mapping[str, np.ndarray]
#: The derivatives of a case in an algebra.
Make = Callable[[MonteCarlo], Derivatives]


def rounding_scales(
    make: Make, quantities: Mapping[Rule, Centres], drawn: Collection[str]
) -> dict[str, dict[str, np.ndarray]]:
    """S of every quantity by path: the root mean square distance from its centre over all runs, by the noise.

    Quantities share the derivatives of a run; the ties of those in `drawn` are drawn anew in each.
    """
    distances = {q.name: {path: np.zeros(c.shape) for path, c in centres.items()} for q, centres in quantities.items()}
    for chance in (False, True):
        group = [quantity for quantity in quantities if (quantity.name in drawn) == chance]
        decisions = _decisions(make(DrawnFloats(0, 0, 0.0) if chance else MonteCarlo(noise=0.0)), group)
        for run in range(RUNS if group else 0):
            noisy = DrawnFloats(run, run, NOISE, decisions) if chance else MonteCarlo(run, NOISE, decisions)
            shared = make(noisy)
            for quantity in group:
                far, centres = distances[quantity.name], quantities[quantity]
                for path, value in quantity.reference(shared).items():
                    # hypot: the square of 1e-200 is no zero, and that of 1e200 is finite.
                    far[path] = np.hypot(far[path], value - centres[path])
    return {
        name: {path: far / np.sqrt(RUNS) / NOISE for path, far in paths.items()} for name, paths in distances.items()
    }


def _decisions(clean: Derivatives, quantities: Iterable[Rule]) -> list[np.ndarray]:
    """How all branches go that the rules of the quantities meet, in their order, where nothing is noisy."""
    for quantity in quantities:
        quantity.reference(clean)
    return clean.alg.decisions
