"""Checks of Hessians: `v^T H v` against phi''."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from xcheck.exact.balls import Balls
from xcheck.exact.derivatives import Derivatives
from xcheck.exact.evaluate import Value
from xcheck.exact.probe.line import Line, Pair, dot, form, sharper, sides


class SecondOrder(Line):
    """Hessians of the loss and of the program."""

    def _curvature(self, v: np.ndarray) -> np.ndarray:
        """An enclosure of `v^T H v`."""
        return self.loss_slope(self.split(v), 2)

    def hessian(self, claimed: Value) -> Iterator[Pair]:
        """Symmetry, and `v^T H v` against phi''."""
        yield claimed, claimed.T
        v = self.direction_params()
        yield form(claimed, v), self._curvature(v)

    def hessian_blocks(self, claimed: Mapping[str, Value]) -> Iterator[Pair]:
        """Each block as `hessian`, with a v that moves its own parameters only."""
        for name, block in claimed.items():
            yield block, block.T
            moves = {name: self.direction(self.values.params[name])}
            yield form(block, moves[name].ravel()), self.loss_slope(moves, 2)

    def hvp(self, claimed: Value) -> Iterator[Pair]:
        """`u^T (H v)` by polarisation: `(q(u + v) - q(u - v)) / 4` with `q(w) = w^T H w`."""
        v, u = self.vector_params(), self.direction_params()
        with sharper():
            plus, minus = sides(u, v)
            proven = (self._curvature(plus) - self._curvature(minus)) / 4
        yield dot(claimed, u), proven

    def hessian_diagonal(self, claimed: Value) -> Iterator[Pair]:
        for k in self.coordinates():
            yield claimed[k], self.loss_slope(self.unit(k), 2)

    def hessian_trace(self, claimed: Value) -> Iterator[Pair]:
        """The trace, made by jets, against that of the tape's Hessian; and that Hessian against its own check.

        No single direction has the trace as its derivative, so the rule-free check is of the Hessian that carries it.
        """
        H = Derivatives(self.case, self.algebra(), self.dtype).hessian()
        yield claimed, Balls().sum(np.diagonal(H), (0,))
        yield from self.hessian(H)

    def hessian_inputs(self, claimed: Mapping[str, Value]) -> Iterator[Pair]:
        """Symmetry, and `v_n^T H_nc v_n` against phi'', with another v for each example.

        Were there second derivatives across examples, phi'' would hold them and the claim would not.
        """
        alg = Balls()
        for argument in self.case.arguments:
            moves = {argument: self.direction(self.values.inputs[argument])}
            v = alg.constant(moves[argument].reshape(self.case.n, 1, -1, 1))
            for output in self.names():
                H = claimed[""] if "" in claimed else claimed[f"{output}/{argument}"]
                yield H, np.swapaxes(H, -1, -2)
                left = np.swapaxes(v, -1, -2)
                yield alg.matmul(left, alg.matmul(H, v)), self.slope(output, moves, 2)
