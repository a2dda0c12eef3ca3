"""Derivatives of third and fourth order along one direction, by jets of that order."""

from __future__ import annotations

from math import factorial

from xcheck.exact.derivatives.seeded import Seeded, bare
from xcheck.exact.evaluate import Outputs, Value
from xcheck.exact.jets import Jet, Jets


class HigherOrder(Seeded):
    """`d^k/dt^k` of the loss along the case's tangents, or of the outputs where there is no loss."""

    def third_derivative(self) -> Outputs:
        return self._derivative(3)

    def fourth_derivative(self) -> Outputs:
        return self._derivative(4)

    def _derivative(self, order: int) -> Outputs:
        """`order! c_order` of the jet along `t -> theta + t v`."""
        jets = Jets(self.alg, order)
        params, inputs = self._lifted(jets, self._seeds(self.tangents()))
        if self.case.loss is not None:
            return {"": self._top(self.objective(jets, params, inputs), order)}
        return bare({name: self._top(jet, order) for name, jet in self.run(jets, params, inputs)[0].items()})

    def _top(self, jet: Jet, order: int) -> Value:
        top = jet.coefficients[order]
        return self.alg.zeros(jet.shape) if top is None else self.alg.index(self.alg.scale(top, factorial(order)), (0,))
