"""Rule-free enclosures: directional derivatives of the primal program with a proof, and no derivative rule at all.

For phi(t) analytic on |t| <= rho, Cauchy's estimate bounds its Taylor coefficients, |a_k| <= M / rho^k, with M the
supremum of |phi| on the disc, from one evaluation on a complex ball that contains it. A central difference with weights
w_j at the points j h is exact on t^0 .. t^(m+1) up to the wanted m-th derivative, so its truncation error is at most
`sum_j |w_j| M (|j| h/rho)^(m+2) / (1 - |j| h/rho) / h^m`.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import flint
import numpy as np

from xcheck._errors import Undecidable
from xcheck.exact.balls import Balls, exponent, precision
from xcheck.exact.ties import Plain, Settled

#: phi(alg, t): the values of a program at the point t of its line, as an array of the algebra.
Line = Callable[[Any, Any], np.ndarray]

#: Weights w_j of the m-th central difference, doubled so that they are integers.
STENCILS = {
    1: {-1: -1, 1: 1},
    2: {-1: 2, 0: -4, 1: 2},
    3: {-2: -1, -1: 2, 1: -2, 2: 1},
    4: {-2: 2, -1: -8, 0: 12, 1: -8, 2: 2},
}
#: Radii that are tried, as powers of two; a smaller disc meets fewer branch points and costs bits.
RADII = (-20, -40, -80, -160, -320, -640, -1280)
#: log2 of rho / h, before what the order adds.
STEP = 100
#: Steps that are tried on one disc, and how many bits more the next may have.
STEPS, MORE = 4, 2000
#: An enclosure is narrow below 2^-100 of its largest entry; a wider one proves too little.
NARROW = 100


def enclosure(line: Line, order: int, *, extra_bits: int = 0, log_unit: int = 0, draw: int | None = None) -> np.ndarray:
    """Balls that contain `phi^(order)(0)`, elementwise, as an array of arb.

    `2^log_unit` is a length of t over which phi changes: the first disc is 2^-20 of it. With `draw`, phi is the branch
    `f_w` of a program that sits on ties (`ties.py`).

    Raises:
        Undecidable: phi is not analytic on any disc that was tried, or too wild; nothing is proven.

    >>> import numpy as np
    >>> def line(alg, t): return alg.call("exp", np.array([t], dtype=object))
    >>> third = enclosure(line, 3)[0]
    >>> bool(third.contains(1)), float(third.rad()) < 1e-40
    (True, True)
    """
    reason = ""
    for log_rho in RADII:
        # The bound grows as M (h/rho)^2 / rho^m, so a small disc and a high order want a smaller step.
        step = STEP - order * log_rho // 2 + extra_bits
        for _ in range(STEPS):
            try:
                found, size = _enclosure(line, order, log_unit + log_rho, step, draw)
            except Undecidable as error:
                reason = str(error)
                break
            missing = _missing(found, size / flint.arb(2) ** (order * log_unit))
            if missing <= 0:
                return found
            reason = "its enclosures are too wide to prove anything"
            if missing > 2 * MORE:
                break
            step += missing // 2 + 8
    raise Undecidable(f"nothing is proven along a line of the program: {reason}")


def _missing(found: np.ndarray, size: Any) -> int:
    """How many bits an enclosure lacks to be narrow: by its largest entry, or by the size of phi where all are zero."""
    widest = max((z.rad() for z in np.ravel(found)), default=flint.arb(0))
    largest = _largest(found)
    return -(10**9) if widest == 0 else exponent(widest) - exponent(largest if largest > 0 else size) + NARROW


def _largest(found: np.ndarray) -> Any:
    """The largest entry that is known not to be zero."""
    return max((z.abs_lower() for z in np.ravel(found)), default=flint.arb(0))


def _terms(line: Line, algebra: Callable[[], Balls]) -> Any:
    """The size of the terms that make phi, also where they cancel: in 64 bits a radius is 2^-64 of them."""
    with precision(64), suppress(Undecidable):
        radii = [z.rad() for z in np.ravel(line(algebra(), flint.arb(0)))]
        return max(radii, default=flint.arb(0)) * flint.arb(2) ** 64
    return flint.arb(0)


def _enclosure(line: Line, order: int, log_rho: int, step: int, draw: int | None) -> tuple[np.ndarray, Any]:
    """The enclosure and, where it is zero, the size of phi."""
    log_h = log_rho - step
    # Dividing by h^m costs m log2(1/h) bits; 2 step + 64 are left for the result.
    with precision(order * max(step - log_rho, step) + 2 * step + 64):
        algebras = Plain() if draw is None else Settled(line, draw)
        rho, h = flint.arb(2) ** log_rho, flint.arb(2) ** log_h
        alg = algebras.disc()
        bound = np.frompyfunc(lambda z: z.abs_upper(), 1, 1)(line(alg, flint.acb(flint.arb(0, rho), flint.arb(0, rho))))
        if not all(m.is_finite() for m in np.ravel(bound)):
            raise Undecidable(alg.refused or "it is not bounded on a disc around the point")
        total: Any = 0
        weight = flint.arb(0)
        for j, w in STENCILS[order].items():
            total = total + line(algebras.real(), j * h) * flint.arb(w)
            ratio = abs(j) * h / rho
            weight += abs(w) * ratio ** (order + 2) / (1 - ratio)
        scale = 1 / (2 * h**order)
        error = np.frompyfunc(lambda m: flint.arb(0, (m * weight * scale).abs_upper()), 1, 1)(bound)
        found = np.asarray(total * scale + error, dtype=object)
        size = flint.arb(0) if _largest(found) > 0 else max([*np.ravel(bound), _terms(line, algebras.real)])
        return found, size
