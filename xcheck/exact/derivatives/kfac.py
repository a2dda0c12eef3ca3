"""The Kronecker factors of the GGN of each linear layer: moments of its input, and the GGN block of its bias.

A bias moves the layer's output `z` as it is, `d f_n / d b = d f_n / d z`, so `sum_n J_zn^T H_n J_zn` is the block of b.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from xcheck._errors import NoReference
from xcheck.exact.derivatives.diagonal_backprop import DiagonalBackprop
from xcheck.exact.evaluate import Outputs
from xcheck.program import Linear


class KroneckerFactors(DiagonalBackprop):
    """The factors of a chain of layers whose linear ones act on vectors and have a bias."""

    def kfac_factors(self) -> Outputs:
        """`A = sum_n (a, 1) (a, 1)^T / n` and `B = sum_n J_zn^T H_n J_zn`, as "0.A" and "0.B" of the layer "0"."""
        found, columns = {}, self.columns()
        for prefix, part in self._parts():
            if not isinstance(part.case.program, Linear):
                continue
            (a,) = part.inputs.values()
            if len(a.shape) != 2 or "bias" not in part.params:
                raise NoReference(f"case {self.case.name}: KFAC factors are of linear layers on vectors, with a bias")
            n, _ = a.shape
            rows = self.alg.concat([a, self.alg.constant(np.ones((n, 1)))], 1)
            moments = self.alg.matmul(self.alg.transpose(rows, (1, 0)), rows)
            found[f"{prefix}A"] = self.alg.scale(moments, Fraction(1, n))
            found[f"{prefix}B"] = self._gram(columns[f"{prefix}bias"])
        return found
