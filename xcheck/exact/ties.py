"""Ties: where two branches of a program meet exactly, what is the same for every choice needs no convention.

Near a point each branch that can be taken there is one smooth function. Let `f_w` be the program whose ties go to the
first branch with weights w, and to the second with 1 - w. Its derivatives are polynomials in w, so where two draws of w
have the same, there is no w in them, but for a coincidence of probability 2^-32: all branches have the same derivative,
and that is the derivative of the program. `x |x|` and `x - max(x)` inside a softmax are such, `|x|` is not.

What a branch leaves out may be infinite: the square root of a negative number, or a slope at 0. It is multiplied by an
exact zero on the way, and counts as zero; that nothing of it enters the program is what the rule-free enclosure proves.
"""

from __future__ import annotations

from typing import Any

import flint
import numpy as np

from xcheck.exact.algebra import Choice
from xcheck.exact.arrays import ArrayAlgebra
from xcheck.exact.balls import KEPT, Balls, ComplexBalls
from xcheck.exact.monte_carlo import MonteCarlo

#: Weights are multiples of 2^-32: numbers of few bits, so that what is exact stays exact.
WEIGHTS = 2**32

#: What the mixins below stand before: an algebra of arrays with its arithmetic.
Arithmetic: Any = ArrayAlgebra


class Drawn(Arithmetic):
    """Mixin: the weights of open ties are drawn."""

    opens_ties = True

    def __init__(self, draw: int, *args: Any) -> None:
        super().__init__(*args)
        self.draws = np.random.default_rng(draw)
        #: Whether there was a tie, or something left out that is infinite.
        self.met = False
        #: The last values that were chosen of, which stay alive so that no other gets their id, and the weights.
        self._known: dict[tuple[int, Any], tuple[Any, np.ndarray]] = {}

    def settle(self, weight: np.ndarray, of: Choice | None = None) -> np.ndarray:
        tied = np.isnan(weight)
        if not tied.any():
            return weight
        self.met = True
        if of is None:
            return self._drawn(weight, tied)
        key = (id(of[0]), of[1])
        if key not in self._known:
            if len(self._known) == KEPT:
                del self._known[next(iter(self._known))]
            self._known[key] = (of[0], self._drawn(weight, tied))
        return self._known[key][1]

    def _drawn(self, weight: np.ndarray, tied: np.ndarray) -> np.ndarray:
        drawn = np.array(weight)
        drawn[tied] = self.draws.integers(1, WEIGHTS, int(tied.sum())) / WEIGHTS
        return drawn


class Sparing(Drawn):
    """Mixin: an exact zero spares what it multiplies from being finite."""

    def mul(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        product = super().mul(a, b)
        spared = ~self.finite(product) & np.asarray((a == 0) | (b == 0), dtype=bool)
        if not spared.any():
            return product
        self.met = True
        return np.where(spared, self.zeros(product.shape), product)

    def matmul(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        product = super().matmul(a, b)
        if self.finite(product).all():
            return product
        return self.sum(self.mul(a[..., None], b[..., None, :, :]), (product.ndim - 1,))


class DrawnBalls(Sparing, Balls):
    """Balls whose ties are drawn."""


class DrawnFloats(Sparing, MonteCarlo):
    """Noisy floats whose ties are drawn."""


class Recorder(Drawn, Balls):
    """Writes down, at the base point of a line, which comparisons tie and the nearby floats."""

    def __init__(self, draw: int) -> None:
        super().__init__(draw)
        self.ties: list[np.ndarray] = []
        self.seen: list[np.ndarray] = []

    def sign(self, a: np.ndarray) -> np.ndarray:
        signs = super().sign(a)
        self.ties.append(signs == 0)
        return signs

    def floats(self, a: np.ndarray) -> np.ndarray:
        self.seen.append(super().floats(a))
        return self.seen[-1]


class _Along(Drawn):
    """Mixin: what ties at the base point ties along the whole line, so that one `f_w` is followed."""

    def __init__(self, draw: int, base: Recorder) -> None:
        super().__init__(draw)
        self._ties, self._seen = iter(base.ties), iter(base.seen)

    def sign(self, a: np.ndarray) -> np.ndarray:
        tied = next(self._ties)
        signs = np.zeros(tied.shape, dtype=np.int8)
        signs[~tied] = super().sign(a[~tied])
        return signs

    def floats(self, a: np.ndarray) -> np.ndarray:
        return next(self._seen)


class BallsAlong(_Along, Balls):
    """Balls along a line."""


class DiscAlong(_Along, ComplexBalls):
    """Complex balls on a disc around the base point of a line."""


class Plain:
    """The algebras in which a line is evaluated: at real points, and on a disc."""

    real, disc = Balls, ComplexBalls


class Settled:
    """The same where ties are drawn."""

    def __init__(self, line: Any, draw: int) -> None:
        self._draw, self._base = draw, Recorder(draw)
        line(self._base, flint.arb(0))

    def real(self) -> Balls:
        return BallsAlong(self._draw, self._base)

    def disc(self) -> ComplexBalls:
        return DiscAlong(self._draw, self._base)
