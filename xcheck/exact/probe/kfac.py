"""Checks of the Kronecker factors: moments at twice the bits, and the loss along the biases of each layer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from xcheck.exact.balls import Balls
from xcheck.exact.evaluate import Value
from xcheck.exact.probe.curvature import Curvature
from xcheck.exact.probe.diagonal_backprop import DiagonalProbe
from xcheck.exact.probe.line import Pair, form, sharper


class KroneckerProbe(DiagonalProbe, Curvature):
    """What reaches each linear layer, and what its bias moves."""

    def kfac_factors(self, claimed: Mapping[str, Value]) -> Iterator[Pair]:
        """A entry by entry; B as a block of the GGN, with a v that moves the layer's bias only."""
        for step in self._steps():
            if f"{step.prefix}A" not in claimed:
                continue
            (a,) = step.reached.values()
            with sharper():
                rows = np.concatenate([a, Balls().constant(np.ones((len(a), 1)))], axis=1)
                yield claimed[f"{step.prefix}A"], (rows[:, :, None] * rows[:, None, :]).sum(axis=0) / len(a)
            B = claimed[f"{step.prefix}B"]
            yield B, B.T
            bias = f"{step.prefix}bias"
            moves = {bias: self.direction(self.values.params[bias])}
            yield form(B, moves[bias]), self._gauss_newton(moves)
