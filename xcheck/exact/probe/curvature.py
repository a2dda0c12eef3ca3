"""Checks of the Gauss-Newton matrix: `v^T G v` is the second derivative of `L(z + t J v)` with z held fixed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress

import flint
import numpy as np

from xcheck._errors import Undecidable
from xcheck.exact.balls import precision
from xcheck.exact.evaluate import Value
from xcheck.exact.probe.line import Line, Moves, Pair, dot, form, numbers, sharper, sides

#: Bits of what a second derivative is taken of: the first that do.
DEEP = (1200, 4800, 19200)


class Curvature(Line):
    """The Gauss-Newton matrix, its blocks, its diagonal and its product."""

    def _gauss_newton(self, moves: Moves) -> np.ndarray:
        """An enclosure of `v^T G v`."""
        for deep in DEEP[:-1]:
            with suppress(Undecidable):
                return self._curved(moves, deep)
        return self._curved(moves, DEEP[-1])

    def _curved(self, moves: Moves, deep: int) -> np.ndarray:
        (name,) = self.names()
        # z and J v enter a division by h^2, so they are made with far more bits than the check itself has.
        slope = self.enclosed(
            lambda alg, t: self.outputs(alg, moves, t)[name], 1, self._lengths(moves), extra_bits=deep // 12
        )
        with precision(deep):
            z = self.outputs(self.algebra(), {}, flint.arb(0))[name]
        return self.enclosed(lambda alg, t: self.loss(alg, numbers(alg, z) + numbers(alg, slope) * t), 2, [(z, slope)])

    def ggn(self, claimed: Value) -> Iterator[Pair]:
        """Symmetry, and `v^T G v`."""
        yield claimed, claimed.T
        v = self.direction_params()
        yield form(claimed, v), self._gauss_newton(self.split(v))

    def ggn_blocks(self, claimed: Mapping[str, Value]) -> Iterator[Pair]:
        """Each block as `ggn`, with a v that moves its own parameters only."""
        for name, block in claimed.items():
            yield block, block.T
            moves = {name: self.direction(self.values.params[name])}
            yield form(block, moves[name].ravel()), self._gauss_newton(moves)

    def ggnvp(self, claimed: Value) -> Iterator[Pair]:
        """`u^T (G v)` by polarisation, as for the Hessian."""
        v, u = self.vector_params(), self.direction_params()
        with sharper():
            plus, minus = sides(u, v)
            proven = (self._gauss_newton(self.split(plus)) - self._gauss_newton(self.split(minus))) / 4
        yield dot(claimed, u), proven

    def ggn_diagonal(self, claimed: Value) -> Iterator[Pair]:
        for k in self.coordinates():
            yield claimed[k], self._gauss_newton(self.unit(k))
