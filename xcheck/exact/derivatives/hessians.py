"""Hessians of the loss and of the program: a tape over first-order jets, and second-order jets for the diagonal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from math import prod

from xcheck.exact.derivatives.examples import require_separate
from xcheck.exact.derivatives.jacobians import Jacobians
from xcheck.exact.derivatives.seeded import paths
from xcheck.exact.evaluate import Outputs, Value, is_integer
from xcheck.exact.jets import Jets
from xcheck.exact.tape import Tape


class Hessians(Jacobians):
    """Second derivatives, and the gradient of the loss."""

    def _gradient_jet(self, seeds: Mapping[str, Value], order: int, names: Sequence[str] = ()) -> Value:
        """Coefficient `order` of the jet of the gradient by the parameters `names` (all where none is named).

        Shape (t, p), or (1, p) for order 0, the gradient itself.
        """
        jets = Jets(self.alg, 1)
        tape = Tape(jets)
        names = names or list(self.params)
        lifted, moved = self._lifted(jets, seeds)
        params = {name: tape.variable(jet) if name in names else tape.fixed(jet) for name, jet in lifted.items()}
        inputs = {name: jet if is_integer(jet) else tape.fixed(jet) for name, jet in moved.items()}
        loss = self.objective(tape, params, inputs)
        cotangents = tape.pullback(loss, jets.ones_like(loss.value), [params[name] for name in names])
        rows = 1 if order == 0 else len(next(iter(seeds.values())))
        parts = []
        for name, jet in zip(names, cotangents, strict=True):
            shape = (rows, prod(self.params[name].shape))
            part = None if jet is None else jet.coefficients[order]
            parts.append(self.alg.zeros(shape) if part is None else self.alg.reshape(part, shape))
        return self.alg.concat(parts, 1)

    def gradient(self) -> Value:
        return self._gradient_jet({}, 0)[0]

    def hvp(self) -> Value:
        """`H v` for the case's tangent of the parameters."""
        return self._gradient_jet(self._seeds(self.split(self.vector_params())), 1)[0]

    @cached_property
    def _hessian(self) -> Value:
        rows = [
            self._gradient_jet({name: seeds}, 1) for name, a in self.params.items() for seeds in self._units(a.shape)
        ]
        return self.alg.concat(rows, 0)

    def hessian(self) -> Value:
        return self._hessian

    def hessian_blocks(self) -> Outputs:
        """The diagonal block of each parameter array, by its name."""
        return {
            name: self.alg.concat([self._gradient_jet({name: s}, 1, [name]) for s in self._units(a.shape)], 0)
            for name, a in self.params.items()
        }

    @cached_property
    def _hessian_diagonal(self) -> Value:
        jets = Jets(self.alg, 2)
        parts = []
        for name, a in self.params.items():
            for seeds in self._units(a.shape):
                loss = self.objective(jets, *self._lifted(jets, {name: seeds}))
                second = loss.coefficients[2]
                parts.append(self.alg.zeros((len(seeds),)) if second is None else self.alg.scale(second, 2))
        return self.alg.concat(parts, 0)

    def hessian_diagonal(self) -> Value:
        """`2 c_2` of the loss along each unit direction: no reverse rule takes part."""
        return self._hessian_diagonal

    def hessian_trace(self) -> Value:
        return self.alg.sum(self._hessian_diagonal, (0,))

    def hessian_inputs(self) -> Outputs:
        """`d^2 f_c / d x_nd d x_ne` of the program, per example: (n, c, d, d)."""
        require_separate(self.case, self.dtype, "Hessian by its inputs, example by example")
        found = {}
        for name in self.case.arguments:
            for output, value in self._plain[0].items():
                width = prod(value.shape[1:])
                rows = [self._input_hessian(name, output, c) for c in range(width)]
                found[output, name] = self.alg.concat(rows, 1)
        return paths(found)

    def _input_hessian(self, name: str, output: str, c: int) -> Value:
        """`(n, 1, d, d)` of entry c of an output: jets along the entries of one example, in all examples at once."""
        x = self.inputs[name]
        n, d = x.shape[0], prod(x.shape[1:])
        rows = []
        for units in self._units(x.shape[1:]):
            count = len(units)
            seeds = self.alg.broadcast(self.alg.reshape(units, (count, 1, *x.shape[1:])), (count, *x.shape))
            jets = Jets(self.alg, 1)
            tape = Tape(jets)
            params, lifted = self._lifted(jets, {name: seeds})
            inputs = {
                k: jet if is_integer(jet) else tape.variable(jet) if k == name else tape.fixed(jet)
                for k, jet in lifted.items()
            }
            outputs, _ = self.run(tape, {k: tape.fixed(jet) for k, jet in params.items()}, inputs)
            entry = tape.index(tape.reshape(outputs[output], (n, -1)), (slice(None), c))
            (cotangent,) = tape.pullback(entry, jets.ones_like(entry.value), [inputs[name]])
            slope = None if cotangent is None else cotangent.coefficients[1]
            rows.append(self.alg.zeros((count, n, d)) if slope is None else self.alg.reshape(slope, (count, n, d)))
        return self.alg.reshape(self.alg.transpose(self.alg.concat(rows, 0), (1, 0, 2)), (n, 1, -1, d))
