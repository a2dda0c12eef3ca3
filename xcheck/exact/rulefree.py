"""Rule-free enclosures: directional derivatives of the primal program with a proof, and no derivative rule at all.

For phi(t) analytic on |t| <= rho, Cauchy's estimate bounds its Taylor coefficients, |a_k| <= M / rho^k, with M the
supremum of |phi| on the disc, from one evaluation on a complex ball that contains it. A central difference with weights
w_j at the points j h is exact on t^0 .. t^(m+1) up to the wanted m-th derivative, so its truncation error is at most
`sum_j |w_j| M (|j| h/rho)^(m+2) / (1 - |j| h/rho) / h^m`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flint
import numpy as np

from xcheck._errors import Undecidable
from xcheck.exact.balls import Balls, ComplexBalls, precision

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
RADII = (-20, -40, -80)
#: log2 of rho / h, before what the order adds.
STEP = 100


def enclosure(line: Line, order: int, *, extra_bits: int = 0) -> np.ndarray:
    """Balls that contain `phi^(order)(0)`, elementwise, as an array of arb.

    Raises:
        Undecidable: phi is not analytic on any disc that was tried; nothing is proven.

    >>> import numpy as np
    >>> def line(alg, t): return alg.call("exp", np.array([t], dtype=object))
    >>> third = enclosure(line, 3)[0]
    >>> bool(third.contains(1)), float(third.rad()) < 1e-40
    (True, True)
    """
    for log_rho in RADII:
        try:
            # The bound grows as M (h/rho)^2 / rho^m, so a small disc and a high order want a smaller step.
            return _enclosure(line, order, log_rho, STEP - order * log_rho // 2 + extra_bits)
        except Undecidable:
            if log_rho == RADII[-1]:
                raise
    raise AssertionError("unreachable: the loop returns or raises")


def _enclosure(line: Line, order: int, log_rho: int, step: int) -> np.ndarray:
    log_h = log_rho - step
    # Dividing by h^m costs m log2(1/h) bits; 2 step + 64 are left for the result.
    with precision(-order * log_h + 2 * step + 64):
        rho, h = flint.arb(2) ** log_rho, flint.arb(2) ** log_h
        box = flint.acb(flint.arb(0, rho), flint.arb(0, rho))
        bound = np.frompyfunc(lambda z: z.abs_upper(), 1, 1)(line(ComplexBalls(), box))
        total: Any = 0
        weight = flint.arb(0)
        for j, w in STENCILS[order].items():
            total = total + line(Balls(), j * h) * flint.arb(w)
            ratio = abs(j) * h / rho
            weight += abs(w) * ratio ** (order + 2) / (1 - ratio)
        scale = 1 / (2 * h**order)
        error = np.frompyfunc(lambda m: flint.arb(0, (m * weight * scale).abs_upper()), 1, 1)(bound)
        return np.asarray(total * scale + error, dtype=object)
