"""The GGN diagonal by propagating nothing but a diagonal: an approximation, defined by its recursion.

With the layers `x_l = f_l(x_(l-1), theta_l)`, `J_l = d x_l / d x_(l-1)` and `P_l = d x_l / d theta_l` of each example:
`m_L = diag H_n`, `m_(l-1)[i] = sum_o J_l[o, i]^2 m_l[o]`, `D[p] = sum_n sum_o P_l[o, p]^2 m_l[o]`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from xcheck.exact.derivatives.examples import require_separate
from xcheck.exact.derivatives.gauss_newton import GaussNewton
from xcheck.exact.derivatives.jacobians import Jacobians
from xcheck.exact.evaluate import Value
from xcheck.program import Program, chain, own


class Part(Jacobians):
    """One layer of a case, at the values that reach it in the algebra of the whole."""

    def __init__(
        self, whole: Jacobians, program: Program, params: dict[str, Value], inputs: Mapping[str, Value]
    ) -> None:
        self.case, self.framework = replace(whole.case, program=program), whole.framework
        self.alg, self.params, self.inputs = whole.alg, params, dict(inputs)

    def outputs(self) -> dict[str, Value]:
        """What the layer returns, by name."""
        return self._plain[0]

    def pulled(self, name: str, m: Value, units: list[Value] | None = None) -> Value:
        """`sum_o (d x_l[o] / d a)^2 m[o]` (n, t) for m (n, o) and `a` a parameter, or the input, of the layer.

        All unit directions of a, or those that are given.
        """
        shape = self.params[name].shape if name in self.params else self.inputs[name].shape[1:]
        (columns,) = self._columns(name, shape, units).values()
        squares = self.alg.mul(columns, columns)
        n, c = m.shape
        return self.alg.reshape(self.alg.matmul(self.alg.reshape(m, (n, 1, c)), squares), (n, squares.shape[2]))


class DiagonalBackprop(GaussNewton):
    """The diagonal that is pulled back layer by layer."""

    def _parts(self) -> Iterator[tuple[str, Part]]:
        """The layers from input to output, with the prefix of their parameters."""
        inputs: Mapping[str, Value] = self.inputs
        for prefix, layer in chain(self.case.program):
            part = Part(self, layer, own(self.params, prefix), inputs)
            yield prefix, part
            inputs = part.outputs()

    def ggn_diagonal_backprop(self) -> Value:
        """`D` (p,)."""
        c = self.output.shape[1]
        m = self.alg.index(self.output_hessian, (slice(None), np.arange(c), np.arange(c)))
        parts, found = list(self._parts()), {}
        for prefix, part in reversed(parts):
            for name in part.params:
                units = self._units_of(prefix + name)
                if units != []:
                    found[prefix + name] = self.alg.sum(part.pulled(name, m, units), (0,))
            if part is not parts[0][1]:
                (argument,) = part.inputs
                require_separate(self.case, self.dtype, "diagonal that layers hand on, example by example")
                m = part.pulled(argument, m)
        return self.alg.concat([found[name] for name in self.params if name in found], 0)

    def _units_of(self, name: str) -> list[Value] | None:
        """The unit directions of a parameter that are wanted, in chunks; None for all."""
        return None
