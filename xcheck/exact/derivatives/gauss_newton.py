"""The generalised Gauss-Newton matrix `G = sum_n J_n^T H_n J_n` and the empirical Fisher, with their products."""

from __future__ import annotations

from functools import cached_property
from math import prod

import numpy as np

from xcheck.exact.derivatives.jacobians import Jacobians
from xcheck.exact.evaluate import Outputs, Value
from xcheck.exact.jets import Jets
from xcheck.exact.tape import Tape


class GaussNewton(Jacobians):
    """Curvature made of first derivatives of the program."""

    def _output_curvature(self, directions: Value) -> Value:
        """`H_n u` for directions u (t, n, c) of the only output; `H_n = d^2 L / d f_n^2`, with the r of the loss."""
        t, n, c = directions.shape
        jets = Jets(self.alg, 1)
        tape = Tape(jets)
        shape = self.only_output(self._plain[0]).shape
        variable = tape.variable(jets.reshape(jets.lift(self.output, directions), shape))
        loss = self.loss(tape, variable)
        (cotangent,) = tape.pullback(loss, jets.ones_like(loss.value), [variable])
        rows = None if cotangent is None else cotangent.coefficients[1]
        return self.alg.zeros((t, n, c)) if rows is None else self.alg.reshape(rows, (t, n, c))

    @cached_property
    def output_hessian(self) -> Value:
        """`H_n[c, k] = d^2 L / d f_nc d f_nk`, of shape (n, c, c)."""
        n, c = self.output.shape
        units = self.alg.broadcast(self.alg.reshape(self.alg.constant(np.eye(c)), (c, 1, c)), (c, n, c))
        return self.alg.transpose(self._output_curvature(units), (1, 0, 2))

    @cached_property
    def _jacobian(self) -> Value:
        return self.jacobian("params")[""]

    @cached_property
    def _output_hessian_times_jacobian(self) -> Value:
        return self.alg.matmul(self.output_hessian, self._jacobian)

    def ggn(self) -> Value:
        """`sum_n J_n^T (H_n J_n)`, as one product over examples and outputs."""
        return self._gram(slice(None))

    def _gram(self, columns: slice) -> Value:
        key = (slice(None), slice(None), columns)
        J, HJ = (self.alg.index(a, key) for a in (self._jacobian, self._output_hessian_times_jacobian))
        rows = (prod(J.shape[:2]), J.shape[2])
        return self.alg.matmul(self.alg.transpose(self.alg.reshape(J, rows), (1, 0)), self.alg.reshape(HJ, rows))

    def ggn_blocks(self) -> Outputs:
        """The diagonal block of each parameter array, by its name."""
        return {name: self._gram(columns) for name, columns in self.columns().items()}

    def ggn_diagonal(self) -> Value:
        return self.alg.sum(self.alg.mul(self._jacobian, self._output_hessian_times_jacobian), (0, 1))

    def ggnvp(self) -> Value:
        """`G v = J^T (H_n (J v))` for the case's tangent of the parameters; no Jacobian is made."""
        slope = next(iter(self._slopes(self.split(self.vector_params())).values()))
        curved = self._output_curvature(self.alg.reshape(slope, (1, *self.output.shape)))
        ((name, value),) = self._plain[0].items()
        pulled = self._pullback({name: self.alg.reshape(curved, value.shape)}, list(self.params))
        return self.alg.concat([self.alg.reshape(a, (-1,)) for a in pulled.values()], 0)

    def empirical_fisher(self) -> Value:
        """`r sum_n grad l_n grad l_n^T`, with the gradients of the unscaled l_n."""
        g = self._losses_jacobian
        return self.alg.scale(self.alg.matmul(self.alg.transpose(g, (1, 0)), g), self.weight)

    def empirical_fisher_diagonal(self) -> Value:
        g = self._losses_jacobian
        return self.alg.scale(self.alg.sum(self.alg.mul(g, g), (0,)), self.weight)
