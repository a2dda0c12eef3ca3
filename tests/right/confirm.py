"""The second channel: what makes a result right, without the judge, its rounding scale or its threshold.

A result of an implementation is right if both hold:

1. *The formula is right.* The float64 result of the same implementation, each entry as a ball of radius B, overlaps the
   rule-free enclosures of the primal program in random directions (`xcheck.exact.probe`): no derivative rule of
   anybody takes part.
2. *This run is rounding.* The result itself is within B of that float64 result; B is then of its own dtype.

B is a worst-case bound of honest rounding, one number for each leaf: the largest radius when xcheck's own derivative
program runs in interval arithmetic of as many bits as the dtype has, on data as wide as its unit roundoff. (With the 8
bits of bfloat16 intervals soon hold everything: there B is 2^16 times that of float32, the worst case to first order.)
It owes nothing to Monte-Carlo arithmetic, from which the judge's S comes. Where B reaches the largest entry it says
nothing, and the result is `unconfirmed`.

B is generous, and may be: a result that is wrong by less than B counts as right here, and can only make the number of
right results that the judge rejects larger. What would flatter the judge is a right result that B leaves out, so the
study reports how many results were not confirmed.

Running an implementation's own traced program in balls would prove more, but needs a front end for jaxprs and ATen
graphs that xcheck does not have yet.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import flint
import numpy as np

from xcheck._dtypes import UNIT
from xcheck._errors import Undecidable
from xcheck.case import Case
from xcheck.exact.balls import Balls, precision
from xcheck.exact.derivatives import Derivatives
from xcheck.exact.probe import Probe
from xcheck.exact.probe.line import Moves
from xcheck.quantity import Quantity

Arrays = Mapping[str, np.ndarray]
Bounds = Mapping[str, float]
BITS = {"float64": 53, "float32": 24}


class Wide(Balls):
    """Balls whose data are as wide as the unit roundoff of a dtype."""

    def __init__(self, unit: float) -> None:
        super().__init__()
        self.unit = unit

    def _exact(self, value: Any) -> Any:
        return flint.arb(value, abs(float(value)) * self.unit)


class Remembered(Probe):
    """A probe that makes each enclosure once, however many results are held against it."""

    def __init__(self, case: Case) -> None:
        super().__init__(case)
        self._known: list[Any] = []
        self._turn = 0

    def again(self) -> Remembered:
        """From the first direction on."""
        self.random, self._turn = np.random.default_rng(0), 0
        return self

    def _kept(self, make: Any) -> Any:
        if self._turn == len(self._known):
            self._known.append(make())
        self._turn += 1
        return self._known[self._turn - 1]

    def slope(self, output: str, moves: Moves, order: int = 1) -> np.ndarray:
        return self._kept(lambda: super(Remembered, self).slope(output, moves, order))

    def loss_slope(self, moves: Moves, order: int = 1) -> np.ndarray:
        return self._kept(lambda: super(Remembered, self).loss_slope(moves, order))

    def losses_slope(self, moves: Moves) -> np.ndarray:
        return self._kept(lambda: super(Remembered, self).losses_slope(moves))

    def _gauss_newton(self, moves: Moves) -> np.ndarray:
        return self._kept(lambda: super(Remembered, self)._gauss_newton(moves))


class SecondChannel:
    """Confirms results of one case."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self._probes: dict[str, Remembered] = {}
        self._wide: dict[str, Derivatives] = {}

    def bounds(self, quantity: Quantity, dtype: str) -> Bounds:
        """B by path; infinite where interval arithmetic of so few bits decides nothing."""
        if dtype == "bfloat16":
            grown = UNIT["bfloat16"] / UNIT["float32"]
            return {path: grown * b for path, b in self.bounds(quantity, "float32").items()}
        with precision(BITS[dtype]):
            if dtype not in self._wide:
                self._wide[dtype] = Derivatives(self.case, Wide(UNIT[dtype]))
            try:
                found = quantity.reference(self._wide[dtype])
            except Undecidable:
                return {}
        return {path: _widest(balls) for path, balls in found.items()}

    def formula(self, quantity: Quantity, double: Arrays, bounds: Bounds) -> bool:
        """Whether a float64 result, up to its rounding, overlaps the rule-free enclosures."""
        if not _tells(bounds, double):
            return False
        probe = self._probes.setdefault(quantity.name, Remembered(self.case)).again()
        with precision(256):
            claimed = {path: _balls(A, bounds[path]) for path, A in double.items()}
            pairs = list(quantity.guard(probe, claimed))
        return all(_real(x).overlaps(_real(y)) for a, b in pairs for x, y in zip(np.ravel(a), np.ravel(b), strict=True))

    def rounding(self, actual: Arrays, double: Arrays, bounds: Bounds) -> bool:
        """Whether `max |A - A64| <= B` in every leaf."""
        return _tells(bounds, double) and all(
            bool(np.all(np.abs(A - double[path]) <= bounds[path])) for path, A in actual.items()
        )


def _tells(bounds: Bounds, double: Arrays) -> bool:
    """Whether B is below the largest entry of every leaf; what is exact has B = 0."""
    return bool(bounds) and all(b == 0.0 or b < np.max(np.abs(double[path]), initial=0.0) for path, b in bounds.items())


def _balls(A: np.ndarray, radius: float) -> np.ndarray:
    return np.asarray(np.frompyfunc(lambda x: flint.arb(x, radius), 1, 1)(A), dtype=object)


def _widest(balls: np.ndarray) -> float:
    radii = [float(_real(z).rad().upper()) for z in np.ravel(balls)]
    return max(radii, default=0.0) if np.all(np.isfinite(radii)) else float("inf")


def _real(z: Any) -> Any:
    return z.real if isinstance(z, flint.acb) else z
