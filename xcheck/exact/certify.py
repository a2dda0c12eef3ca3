"""certify: the references of a case, proven and guarded, with their rounding scale and branch margin."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

import flint
import numpy as np

from xcheck._errors import GuardFailed, Undecidable
from xcheck.case import Case
from xcheck.exact.balls import Balls, precision
from xcheck.exact.derivatives import Derivatives
from xcheck.exact.evaluate import Outputs
from xcheck.exact.monte_carlo import NOISE, RUNS, MonteCarlo
from xcheck.exact.probe import Probe, overlap

#: Bits of the first try and of the next, for entries that lost more than the reference may lose.
BITS = (128, 192, 320)


class Rule(Protocol):
    """What is certified: a quantity, or anything else that has its rule and its guard."""

    @property
    def name(self) -> str: ...
    @property
    def order(self) -> int: ...
    @property
    def reference(self) -> Callable[[Any], Mapping[str, Any]]: ...
    @property
    def guard(self) -> Callable[[Any, Mapping[str, Any]], Iterable[Any]]: ...


@dataclass(frozen=True)
class Certified:
    """One array: `|value + low - truth| <= radius`, and the rounding scale S before any floor."""

    value: np.ndarray
    low: np.ndarray
    radius: np.ndarray
    scale: np.ndarray


def certify(
    case: Case, quantities: Iterable[Rule], dtype: str = "float64", framework: str | None = None
) -> dict[str, dict[str, Certified]]:
    """Certified arrays by quantity and path; at kinks of a case that says so, by the framework's convention.

    Raises:
        GuardFailed: a claim and its rule-free enclosure do not overlap.
        Undecidable: the case sits on a kink, or its numbers are lost at every number of bits that is tried.
    """
    wanted = list(quantities)

    @cache
    def exact(bits: int) -> Derivatives:
        """One for each number of bits, so that quantities share a Jacobian; its caller sets that precision."""
        return Derivatives(case, Balls(), dtype, framework)

    balls = {quantity.name: _proven(exact, quantity) for quantity in wanted}
    split = {name: {path: _split(b) for path, b in tree.items()} for name, tree in balls.items()}
    spread = {name: {path: np.zeros(b.shape) for path, b in tree.items()} for name, tree in balls.items()}
    decisions = _decisions(case, wanted, dtype, framework)
    for run in range(RUNS):
        noisy = Derivatives(case, MonteCarlo(seed=run, decisions=decisions), dtype, framework)
        for quantity in wanted:
            for path, value in quantity.reference(noisy).items():
                # hypot, since the square of 1e-170 is 0 and that of 1e170 infinite.
                off = value - split[quantity.name][path][0]
                spread[quantity.name][path] = np.hypot(spread[quantity.name][path], off)
    return {
        name: {path: Certified(*parts, scale=spread[name][path] / RUNS**0.5 / NOISE) for path, parts in tree.items()}
        for name, tree in split.items()
    }


def _decisions(case: Case, quantities: list[Rule], dtype: str, framework: str | None) -> list[np.ndarray] | None:
    """How all branches go that the rules of the quantities meet, in their order, where nothing is noisy."""
    if not _compared(case, MonteCarlo(noise=0.0), dtype, framework):
        return None
    clean = MonteCarlo(noise=0.0)
    exact = Derivatives(case, clean, dtype, framework)
    for quantity in quantities:
        quantity.reference(exact)
    return clean.decisions


def _proven(exact: Callable[[int], Derivatives], quantity: Rule) -> Outputs:
    """The quantity in balls, guarded; with more bits where 128 do not hold 100."""
    case, dtype = exact(BITS[0]).case, exact(BITS[0]).dtype
    for bits in BITS:
        with precision(bits):
            tree = dict(quantity.reference(exact(bits)))
        if bits < BITS[-1] and not all(_sharp(array) for array in tree.values()):
            continue
        if not all(_tight(array) for array in tree.values()):
            break
        # On a kink nothing is analytic, so there is no enclosure: what is stored there is a convention.
        if not by_convention(case, quantity):
            with precision(2 * bits):
                faults = overlap(quantity.guard(Probe(case, dtype), tree))
            if faults:
                raise GuardFailed(f"the reference {case.name}/{quantity.name} contradicts its guard: {faults[0]}")
        return tree
    raise Undecidable(f"{BITS[-1]} bits do not determine {case.name}/{quantity.name} to 2^-100 of its largest entry")


def by_convention(case: Case, quantity: Rule) -> bool:
    """Whether a framework's convention, and no theorem, says what is right."""
    return case.kinks and quantity.order > 0


def _sharp(array: np.ndarray) -> bool:
    """Whether every radius is under 2^-100 of its entry, or under 2^-160 of the largest entry."""
    balls = array.ravel()
    largest = max((abs(z).upper() for z in balls), default=flint.arb(0))
    floor = largest * flint.arb(2) ** -160
    relative = flint.arb(2) ** -100
    return all(bool(z.rad() <= abs(z).upper() * relative) or bool(z.rad() <= floor) for z in balls)


def _tight(array: np.ndarray) -> bool:
    """Whether every entry is finite, with a radius under 2^-100 of the largest entry."""
    balls = array.ravel()
    largest = max((abs(z).upper() for z in balls), default=flint.arb(0))
    return all(z.is_finite() and bool(z.rad() <= largest * flint.arb(2) ** -100) for z in balls)


def _split(balls: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Each ball as a high and a low float64 and a radius that covers what they leave over."""
    high, low, radius = (np.empty(balls.size) for _ in range(3))
    for k, ball in enumerate(balls.ravel()):
        middle = ball.mid()
        high[k] = float(middle)
        rest = middle - flint.arb(high[k])
        low[k] = float(rest.mid())
        left = (abs(rest - flint.arb(low[k])) + ball.rad()).upper()
        # float() rounds to nearest: one more ulp makes it an upper bound.
        radius[k] = 0.0 if left == 0 else float(np.nextafter(float(left), np.inf))
    return high.reshape(balls.shape), low.reshape(balls.shape), radius.reshape(balls.shape)


def margin(case: Case, dtype: str = "float64", framework: str | None = None) -> float:
    """The least |z| / S_z over all comparisons of the program and its loss; inf where there are none.

    An exact tie that no rounding moves is left out: every dtype sees that very tie.
    """
    clean = _compared(case, MonteCarlo(noise=0.0), dtype, framework)
    squares = [np.zeros(z.shape) for z in clean]
    for run in range(RUNS if clean else 0):
        for total, noisy, z in zip(squares, _compared(case, MonteCarlo(run), dtype, framework), clean, strict=True):
            total += (noisy - z) ** 2
    least = float("inf")
    for z, total in zip(clean, squares, strict=True):
        scale = np.maximum(np.sqrt(total / RUNS) / NOISE, np.abs(z))
        ratios = np.divide(np.abs(z), scale, out=np.full(z.shape, np.inf), where=scale > 0)
        least = min(least, float(ratios.min(initial=np.inf)))
    return least


def _compared(case: Case, alg: MonteCarlo, dtype: str, framework: str | None) -> list[np.ndarray]:
    exact = Derivatives(case, alg, dtype, framework)
    outputs, _ = exact.run(alg, exact.params, exact.inputs)
    if case.loss is not None and len(outputs) == 1:
        exact.loss(alg, exact.only_output(outputs))
    return alg.compared
