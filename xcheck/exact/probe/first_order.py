"""Checks of Jacobians, gradients and derivatives along the case's own tangents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from xcheck.exact.balls import Balls
from xcheck.exact.evaluate import Value
from xcheck.exact.probe.line import Line, Pair, dot, form, times

Claims = Mapping[str, Value]


class FirstOrder(Line):
    """`J v`, `w^T J v` and `g v` against phi'."""

    def jacobian(self, claimed: Claims, wrt: str) -> Iterator[Pair]:
        """`J v` against phi', one random v for each argument; for inputs, another v for each example."""
        alg = Balls()
        for argument in ("params",) if wrt == "params" else self.case.arguments:
            if wrt == "params":
                flat = self.direction_params()
                moves, v = self.split(flat), flat[None]
            else:
                moves = {argument: self.direction(self.values.inputs[argument])}
                v = moves[argument].reshape(self.case.n, -1)
            for output in self.names():
                J = self._leaf(claimed, output, argument)
                # One v for every row, or another for every example.
                product = alg.matmul(J, alg.constant(v)[:, :, None])[:, :, 0]
                yield product, self.slope(output, moves).reshape(product.shape)

    @staticmethod
    def _leaf(claimed: Claims, output: str, argument: str) -> Value:
        return claimed[""] if "" in claimed else claimed[f"{output}/{argument}"]

    def jacobian_batch(self, claimed: Claims) -> Iterator[Pair]:
        """`sum_md J[n, c, m, d] v[m, d]` against phi'."""
        for argument in self.case.arguments:
            moves = {argument: self.direction(self.values.inputs[argument])}
            for output in self.names():
                J = self._leaf(claimed, output, argument)
                product = times(J.reshape(-1, J.shape[2] * J.shape[3]), moves[argument].ravel())
                yield product, self.slope(output, moves)

    def jvp(self, claimed: Claims) -> Iterator[Pair]:
        """Every entry against phi' along the tangents themselves."""
        for output in self.names():
            yield claimed["" if "" in claimed else output], self.slope(output, self.tangents())

    def vjp(self, claimed: Claims) -> Iterator[Pair]:
        """`(J^T w) v` against `w . phi'`, one random v for each argument."""
        for argument, pulled in claimed.items():
            if self.along_params:
                v = self.direction_params()
                moves = self.split(v)
            else:
                (argument,) = [argument] if argument else self.case.arguments
                v = self.direction(self.values.inputs[argument])
                moves = {argument: v}
            total = np.asarray(0, dtype=object)
            for output in self.names():
                slope = self.slope(output, moves)
                total = total + dot(slope.ravel(), self.case.vector(output, slope.shape, self.dtype).ravel())
            yield dot(pulled.ravel(), v.ravel()), total

    def gradient(self, claimed: Value) -> Iterator[Pair]:
        """`g v` against phi' of the loss."""
        v = self.direction_params()
        yield dot(claimed, v), self.loss_slope(self.split(v))

    def per_example_gradients(self, claimed: Value) -> Iterator[Pair]:
        """`r grad l_n . v` against the slope of every l_n, and their sum against that of the loss."""
        v = self.direction_params()
        product = times(claimed, v)
        yield product, Balls().scale(self.losses_slope(self.split(v)), self.weight)
        yield Balls().sum(product, (0,)), self.loss_slope(self.split(v))

    def empirical_fisher(self, claimed: Value) -> Iterator[Pair]:
        """Symmetry, and `v^T F v` against `r sum_n (grad l_n . v)^2`."""
        yield claimed, claimed.T
        v = self.direction_params()
        yield form(claimed, v), self._squares(self.losses_slope(self.split(v)))

    def empirical_fisher_diagonal(self, claimed: Value) -> Iterator[Pair]:
        for k in self.coordinates():
            yield claimed[k], self._squares(self.losses_slope(self.unit(k)))

    def _squares(self, slopes: np.ndarray) -> np.ndarray:
        return Balls().scale(Balls().sum(slopes * slopes, (0,)), self.weight)

    def third_derivative(self, claimed: Claims) -> Iterator[Pair]:
        yield from self._along(claimed, 3)

    def fourth_derivative(self, claimed: Claims) -> Iterator[Pair]:
        yield from self._along(claimed, 4)

    def _along(self, claimed: Claims, order: int) -> Iterator[Pair]:
        """Every entry against the derivative of that order along the tangents themselves."""
        moves = self.tangents()
        if self.case.loss is not None:
            yield claimed[""], self.loss_slope(moves, order)
            return
        for output in self.names():
            yield claimed["" if "" in claimed else output], self.slope(output, moves, order)
