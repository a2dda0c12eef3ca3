"""Diagonals whose Jacobian `(n, c, p)` is too large to hold: an example at a time, in reverse.

Row by row the tape costs a backward pass for each output of each example, whatever p is, where forward jets cost a pass
for each parameter. An example is run by itself, so the program must have no terms across examples.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from math import prod

import numpy as np

from xcheck.exact.derivatives.examples import require_separate
from xcheck.exact.derivatives.gauss_newton import GaussNewton
from xcheck.exact.evaluate import Value, is_integer
from xcheck.exact.tape import Tape

#: Entries of a Jacobian that are held and made forwards; ten million balls are a gigabyte.
HELD = 10_000_000


class Streamed(GaussNewton):
    """The diagonals of the GGN and of the empirical Fisher, for networks of any width."""

    @property
    def _large(self) -> bool:
        return prod(self.output.shape) * self.case.p > HELD

    def ggn_diagonal(self) -> Value:
        """`sum_n sum_ck J_n[c, p] H_n[c, k] J_n[k, p]`."""
        if not self._large:
            return super().ggn_diagonal()
        n, c = self.output.shape
        units = np.broadcast_to(np.eye(c), (n, c, c))
        terms = (
            self.alg.sum(self.alg.mul(J, self.alg.matmul(self.alg.index(self.output_hessian, (k,)), J)), (0,))
            for k, J in enumerate(self._rows(self.alg.constant(units)))
        )
        return reduce(self.alg.add, terms)

    def empirical_fisher_diagonal(self) -> Value:
        """`r sum_n (d l_n / d f_n J_n)^2`."""
        if not self._large:
            return super().empirical_fisher_diagonal()
        n, c = self.output.shape
        gradients = self._rows(self.alg.reshape(self._loss_slopes(), (n, 1, c)))
        squares = (self.alg.index(self.alg.mul(g, g), (0,)) for g in gradients)
        return self.alg.scale(reduce(self.alg.add, squares), self.weight)

    def _loss_slopes(self) -> Value:
        """`d l_n / d f_nc` (n, c)."""
        tape = Tape(self.alg)
        output = tape.variable(self.only_output(self._plain[0]))
        losses = self.losses(tape, output)
        (slopes,) = tape.pullback(losses, self.alg.ones_like(losses.value), [output])
        return self.alg.reshape(slopes, self.output.shape)

    def _rows(self, cotangents: Value) -> Iterator[Value]:
        """`M_n J_n` (r, p) of each example, for cotangents M (n, r, c) of the only output."""
        require_separate(self.case, self.dtype, "diagonal that is made an example at a time, as its size demands")
        for n in range(self.case.n):
            tape = Tape(self.alg)
            variables = {name: tape.variable(a) for name, a in self.params.items()}
            inputs = {
                name: a[n : n + 1] if is_integer(a) else tape.fixed(self.alg.index(a, (slice(n, n + 1),)))
                for name, a in self.inputs.items()
            }
            output = self.only_output(self.run(tape, variables, inputs)[0])
            rows = []
            for r in range(cotangents.shape[1]):
                cotangent = self.alg.reshape(self.alg.index(cotangents, (n, r)), output.shape)
                parts = tape.pullback(output, cotangent, list(variables.values()))
                flat = [
                    self.alg.reshape(self.alg.zeros(v.shape) if part is None else part, (1, -1))
                    for v, part in zip(variables.values(), parts, strict=True)
                ]
                rows.append(self.alg.concat(flat, 1))
            yield self.alg.concat(rows, 0)
