"""certify: the references of a case, proven and guarded, with their rounding scale and branch margin."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import flint
import numpy as np

from xcheck._errors import NoReference, Undecidable
from xcheck.case import Case
from xcheck.exact.balls import precision
from xcheck.exact.derivatives import Derivatives
from xcheck.exact.evaluate import Value
from xcheck.exact.monte_carlo import NOISE, RUNS, MonteCarlo
from xcheck.exact.noise import rounding_scales
from xcheck.exact.proof import BITS, DRAWS, Prover, by_convention
from xcheck.exact.rule import Rule
from xcheck.exact.ties import Recorder

__all__ = ["Certified", "by_convention", "certify", "margin"]


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
        NoReference: an entry does not fit float64.
    """
    prover, wanted = Prover(case, dtype, framework), list(quantities)
    with np.errstate(all="ignore"):  # what a branch leaves out may be infinite; what is left over is looked at
        split = {q: {path: _split(q.name, case.name, b) for path, b in prover.prove(q).items()} for q in wanted}
        centres = {q: {path: parts[0] for path, parts in tree.items()} for q, tree in split.items()}
        scales = rounding_scales(prover.derivatives, centres, prover.drawn)
    for name, paths in scales.items():
        if not all(np.isfinite(S).all() for S in paths.values()):
            raise Undecidable(f"{case.name}/{name} has no rounding scale: float64 overflows on the way to it")
    return {
        q.name: {path: Certified(*parts, scale=scales[q.name][path]) for path, parts in tree.items()}
        for q, tree in split.items()
    }


def _split(quantity: str, case: str, balls: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Each ball as a high and a low float64 and a radius that covers what they leave over.

    A narrow ball around 0 is a 0 that was reached by cancellation; its middle is noise.
    """
    high, low, radius = (np.empty(balls.size) for _ in range(3))
    for k, ball in enumerate(balls.ravel()):
        middle, around = (flint.arb(0), abs(ball)) if ball.contains(0) else (ball.mid(), ball.rad())
        high[k] = float(middle)
        rest = middle - flint.arb(high[k])
        low[k] = float(rest.mid())
        left = (abs(rest - flint.arb(low[k])) + around).upper()
        # float() rounds to nearest: one more ulp makes it an upper bound.
        radius[k] = 0.0 if left == 0 else float(np.nextafter(float(left), np.inf))
    for k in np.flatnonzero(~np.isfinite(high)):
        raise NoReference(f"{case}/{quantity} has an entry that does not fit float64: {balls.ravel()[k].str(5)}")
    return high.reshape(balls.shape), low.reshape(balls.shape), radius.reshape(balls.shape)


def margin(case: Case, dtype: str = "float64", framework: str | None = None) -> float:
    """The least |z| / S_z over all comparisons of the program and its loss; inf where there are none.

    An exact tie that no rounding moves is left out: every dtype sees that very tie. So is one whose sides have the same
    value, where no convention is asked for: the reference is then what both sides have in common.
    """
    with np.errstate(all="ignore"):
        clean = _compared(case, MonteCarlo(noise=0.0), dtype, framework)
        far = [np.zeros(z.shape) for z in clean]
        for run in range(RUNS if clean else 0):
            noisy = _compared(case, MonteCarlo(run), dtype, framework)
            far = [np.hypot(total, a - z) for total, a, z in zip(far, noisy, clean, strict=True)]
        open_ties = not case.kinks and any((z == 0).any() for z in clean)
        ties = _ties(case, dtype) if open_ties else [np.zeros(z.shape, dtype=bool) for z in clean]
    least = float("inf")
    for z, total, tied in zip(clean, far, ties, strict=True):
        scale = np.maximum(total / np.sqrt(RUNS) / NOISE, np.abs(z))
        # An infinite side, as of a mask, is far from every other.
        counted = (scale > 0) & np.isfinite(z) & ~tied
        ratios = np.divide(np.abs(z), scale, out=np.full(z.shape, np.inf), where=counted)
        least = min(least, float(ratios.min(initial=np.inf)))
    return least


def _compared(case: Case, alg: MonteCarlo, dtype: str, framework: str | None) -> list[np.ndarray]:
    _primal(Derivatives(case, alg, dtype, framework))
    return alg.compared


def _ties(case: Case, dtype: str) -> list[np.ndarray]:
    """Which entries of each comparison tie exactly, in balls; none where the value depends on who wins."""
    recorders = [Recorder(draw) for draw in DRAWS]
    with precision(BITS[-1]):
        first, second = (_primal(Derivatives(case, recorder, dtype)) for recorder in recorders)
    same = all(x.overlaps(y) for a, b in zip(first, second, strict=True) for x, y in zip(a.flat, b.flat, strict=True))
    return [tied & same for tied in recorders[0].ties]


def _primal(exact: Derivatives) -> list[Value]:
    """The outputs, and the loss where there is one."""
    outputs, _ = exact.run(exact.alg, exact.params, exact.inputs)
    one = exact.case.loss is not None and len(outputs) == 1
    return [*outputs.values(), *([exact.loss(exact.alg, exact.only_output(outputs))] if one else [])]
