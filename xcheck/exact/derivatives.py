"""Derivatives of a case in one algebra: what the reference rules of the quantities are written in.

Forward jets give Jacobians, second-order jets the Hessian's diagonal, and a tape over first-order jets the Hessian and
its products. Directions go one parameter array at a time, so that what lies before that array has no tangent at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from math import prod
from typing import Any

import numpy as np

from xcheck.case import Case
from xcheck.exact.evaluate import Evaluation, Outputs, Value, is_integer
from xcheck.exact.jets import Jet, Jets
from xcheck.exact.tape import Tape

#: Directions at once: more need more memory, fewer more time.
CHUNK = 48


class Derivatives(Evaluation):
    """The derivatives of one case in the algebra `alg`; results are arrays of its values in canonical shape."""

    def __init__(self, case: Case, alg: Any, dtype: str = "float64") -> None:
        super().__init__(case, dtype)
        self.alg = alg
        self.params = self.constants(alg, self.values.params)
        self.inputs = self.constants(alg, self.values.inputs)

    @cached_property
    def _plain(self) -> tuple[Outputs, Outputs]:
        return self.run(self.alg, self.params, self.inputs)

    def value(self) -> Outputs:
        """The outputs by name; a single one has the path ""."""
        outputs = self._plain[0]
        return outputs if len(outputs) > 1 else {"": next(iter(outputs.values()))}

    def aux(self) -> Outputs:
        return {f"aux/{name}": value for name, value in self._plain[1].items()}

    @cached_property
    def output(self) -> Value:
        """The only output as (n, c)."""
        (value,) = self._plain[0].values()
        return self.alg.reshape(value, (value.shape[0], -1))

    def jacobian(self, wrt: str) -> Outputs:
        """`J[n, c, p]` ("params") or `J[n, c, d]` ("inputs"), by forward jets."""
        if wrt == "params":
            by_output: dict[str, list[Value]] = {}
            for name, a in self.params.items():
                for output, columns in self._columns(name, a.shape, a.shape).items():
                    by_output.setdefault(output, []).append(columns)
            joined = {output: self.alg.concat(parts, 2) for output, parts in by_output.items()}
            return _paths({(output, "params"): J for output, J in joined.items()})
        found = {}
        for name in self.case.arguments:
            shape = self.inputs[name].shape
            for output, columns in self._columns(name, shape[1:], shape).items():
                found[output, name] = columns
        return _paths(found)

    def _columns(self, name: str, entries: tuple[int, ...], shape: tuple[int, ...]) -> Outputs:
        """`[n, c, t]` for every entry of one array; entries of one example move in all examples at once."""
        blocks: dict[str, list[Value]] = {}
        for seeds in self._units(entries):
            if entries != shape:
                seeds = self.alg.broadcast(self.alg.reshape(seeds, (len(seeds), 1, *entries)), (len(seeds), *shape))
            jets = Jets(self.alg, 1)
            outputs, _ = self.run(jets, *self._lifted(jets, {name: seeds}))
            for output, jet in outputs.items():
                blocks.setdefault(output, []).append(self._column(jet, len(seeds)))
        return {output: self.alg.concat(parts, 2) for output, parts in blocks.items()}

    def _units(self, shape: tuple[int, ...]) -> Iterator[Value]:
        """Unit directions of an array of this shape, a chunk at a time: (t, *shape)."""
        size = prod(shape)
        for start in range(0, size, CHUNK):
            count = min(CHUNK, size - start)
            yield self.alg.constant(np.eye(count, size, start).reshape(count, *shape))

    def _lifted(self, jets: Jets, seeds: Mapping[str, Value]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Parameters and inputs as jets that move along the seeds."""

        def lift(arrays: Mapping[str, Value]) -> dict[str, Any]:
            return {
                name: a if is_integer(a) else jets.lift(a, seeds[name]) if name in seeds else jets.lift(a)
                for name, a in arrays.items()
            }

        return lift(self.params), lift(self.inputs)

    def _column(self, jet: Jet, directions: int) -> Value:
        """`c_1` of shape (t, n, ...) as (n, c, t)."""
        shape = (directions, jet.shape[0], prod(jet.shape[1:]))
        slope = jet.coefficients[1]
        slope = self.alg.zeros(shape) if slope is None else self.alg.reshape(slope, shape)
        return self.alg.transpose(slope, (1, 2, 0))

    def _gradient_jet(self, seeds: Mapping[str, Value], order: int) -> Value:
        """Coefficient `order` of the gradient's jet along the seeds: (t, p), or (1, p) for the gradient itself."""
        jets = Jets(self.alg, 1)
        tape = Tape(jets)
        params, inputs = self._lifted(jets, seeds)
        variables = {name: tape.variable(jet) for name, jet in params.items()}
        fixed = {name: jet if is_integer(jet) else tape.fixed(jet) for name, jet in inputs.items()}
        loss = self.objective(tape, variables, fixed)
        cotangents = tape.pullback(loss, jets.ones_like(loss.value), list(variables.values()))
        rows = 1 if order == 0 else len(next(iter(seeds.values())))
        parts = []
        for a, jet in zip(self.params.values(), cotangents, strict=True):
            shape = (rows, prod(a.shape))
            part = None if jet is None else jet.coefficients[order]
            parts.append(self.alg.zeros(shape) if part is None else self.alg.reshape(part, shape))
        return self.alg.concat(parts, 1)

    def gradient(self) -> Value:
        return self._gradient_jet({}, 0)[0]

    def hvp(self) -> Value:
        """`H v` for the case's tangent of the parameters."""
        v = self.case.vector("params", (self.case.p,), self.dtype)
        seeds = {name: self.alg.constant(a[None]) for name, a in self.split(v).items()}
        return self._gradient_jet(seeds, 1)[0]

    @cached_property
    def _hessian(self) -> Value:
        rows = [
            self._gradient_jet({name: seeds}, 1) for name, a in self.params.items() for seeds in self._units(a.shape)
        ]
        return self.alg.concat(rows, 0)

    def hessian(self) -> Value:
        return self._hessian

    def hessian_diagonal(self) -> Value:
        """`2 c_2` of the loss along each unit direction: no reverse rule takes part."""
        jets = Jets(self.alg, 2)
        parts = []
        for name, a in self.params.items():
            for seeds in self._units(a.shape):
                loss = self.objective(jets, *self._lifted(jets, {name: seeds}))
                second = loss.coefficients[2]
                parts.append(self.alg.zeros((len(seeds),)) if second is None else self.alg.scale(second, 2))
        return self.alg.concat(parts, 0)

    @cached_property
    def output_hessian(self) -> Value:
        """`H_n[c, k] = d^2 L / d f_nc d f_nk`, of shape (n, c, c), with the r of the loss in it."""
        n, c = self.output.shape
        jets = Jets(self.alg, 1)
        units = self.alg.broadcast(self.alg.reshape(self.alg.constant(np.eye(c)), (c, 1, c)), (c, n, c))
        tape = Tape(jets)
        shape = next(iter(self._plain[0].values())).shape
        variable = tape.variable(jets.reshape(jets.lift(self.output, units), shape))
        loss = self.loss(tape, variable)
        (cotangent,) = tape.pullback(loss, jets.ones_like(loss.value), [variable])
        rows = cotangent.coefficients[1]
        rows = self.alg.zeros((c, n, c)) if rows is None else self.alg.reshape(rows, (c, n, c))
        return self.alg.transpose(rows, (1, 0, 2))

    @cached_property
    def _jacobian(self) -> Value:
        return self.jacobian("params")[""]

    def ggn(self) -> Value:
        """`sum_n J_n^T (H_n J_n)`, as one product over examples and outputs."""
        J, HJ = self._jacobian, self._output_hessian_times_jacobian
        rows = (prod(J.shape[:2]), J.shape[2])
        return self.alg.matmul(self.alg.transpose(self.alg.reshape(J, rows), (1, 0)), self.alg.reshape(HJ, rows))

    def ggn_diagonal(self) -> Value:
        return self.alg.sum(self.alg.mul(self._jacobian, self._output_hessian_times_jacobian), (0, 1))

    @cached_property
    def _output_hessian_times_jacobian(self) -> Value:
        return self.alg.matmul(self.output_hessian, self._jacobian)


def _paths(found: Mapping[tuple[str, str], Value]) -> Outputs:
    """One output and one argument: the path ""; otherwise "output/argument"."""
    if len(found) == 1:
        return {"": next(iter(found.values()))}
    return {f"{output}/{argument}": value for (output, argument), value in found.items()}
