"""Checks of the Gauss-Newton matrix: `v^T G v` is the second derivative of `L(z + t J v)` with z held fixed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import flint
import numpy as np

from xcheck.exact.balls import Balls, precision
from xcheck.exact.evaluate import Value
from xcheck.exact.probe.line import BITS, Line, Moves, Pair, dot, form, numbers, sides
from xcheck.exact.rulefree import enclosure


class Curvature(Line):
    """The Gauss-Newton matrix, its blocks, its diagonal and its product."""

    def _gauss_newton(self, moves: Moves) -> np.ndarray:
        """An enclosure of `v^T G v`."""
        (name,) = self.names()
        # z and J v enter a division by h^2, so they are made with far more bits than the check itself has.
        slope = enclosure(lambda alg, t: self.outputs(alg, moves, t)[name], 1, extra_bits=100)
        with precision(1200):
            z = self.outputs(Balls(), {}, flint.arb(0))[name]
        return enclosure(lambda alg, t: self.loss(alg, numbers(alg, z) + numbers(alg, slope) * t), 2)

    def ggn(self, claimed: Value) -> Iterator[Pair]:
        """Symmetry, and `v^T G v`."""
        yield claimed, claimed.T
        v = self.direction((self.case.p,))
        yield form(claimed, v), self._gauss_newton(self.split(v))

    def ggn_blocks(self, claimed: Mapping[str, Value]) -> Iterator[Pair]:
        """Each block as `ggn`, with a v that moves its own parameters only."""
        for name, block in claimed.items():
            yield block, block.T
            moves = {name: self.direction(self.values.params[name].shape)}
            yield form(block, moves[name].ravel()), self._gauss_newton(moves)

    def ggnvp(self, claimed: Value) -> Iterator[Pair]:
        """`u^T (G v)` by polarisation, as for the Hessian."""
        v, u = self.vector_params(), self.direction((self.case.p,))
        with precision(BITS):
            plus, minus = sides(u, v)
            proven = (self._gauss_newton(self.split(plus)) - self._gauss_newton(self.split(minus))) / 4
        yield dot(claimed, u), proven

    def ggn_diagonal(self, claimed: Value) -> Iterator[Pair]:
        for k in self.coordinates():
            yield claimed[k], self._gauss_newton(self.unit(k))
