"""Jacobians and their products: forward jets for columns, a tape for products from the left."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from math import prod

import numpy as np

from xcheck.exact.derivatives.examples import require_separate
from xcheck.exact.derivatives.seeded import Seeded, bare, paths
from xcheck.exact.evaluate import Outputs, Value, is_integer
from xcheck.exact.jets import Jets
from xcheck.exact.tape import Node, Tape


class Jacobians(Seeded):
    """First derivatives of the outputs."""

    def jacobian(self, wrt: str) -> Outputs:
        """`J[n, c, p]` ("params") or `J[n, c, d]` ("inputs"), by forward jets."""
        if wrt == "params":
            return self._by_params
        # Entries of one example move in all examples at once.
        require_separate(self.case, self.dtype, "Jacobian by its inputs, example by example")
        found = {}
        for name in self.case.arguments:
            for output, columns in self._columns(name, self.inputs[name].shape[1:]).items():
                found[output, name] = columns
        return paths(found)

    @cached_property
    def _by_params(self) -> Outputs:
        by_output: dict[str, list[Value]] = {}
        for name, a in self.params.items():
            for output, columns in self._columns(name, a.shape).items():
                by_output.setdefault(output, []).append(columns)
        joined = {output: self.alg.concat(parts, 2) for output, parts in by_output.items()}
        return paths({(output, "params"): J for output, J in joined.items()})

    def jacobian_batch(self) -> Outputs:
        """`J[n, c, m, d]`: every example's outputs by every example's inputs, a row at a time by the tape."""
        names = list(self.case.arguments)
        tape, variables, outputs = self._taped(names)
        found: dict[tuple[str, str], Value] = {}
        for output, node in outputs.items():
            size = prod(node.shape)
            units = (self.alg.constant(np.eye(1, size, k).reshape(node.shape)) for k in range(size))
            rows = [tape.pullback(node, unit, variables) for unit in units]
            n = node.shape[0]
            for name, variable, column in zip(names, variables, zip(*rows, strict=True), strict=True):
                shape = (1, self.case.n, prod(variable.shape[1:]))
                parts = [self.alg.zeros(shape) if a is None else self.alg.reshape(a, shape) for a in column]
                joined = self.alg.concat(parts, 0)
                found[output, name] = self.alg.reshape(joined, (n, joined.shape[0] // n, *shape[1:]))
        return paths(found)

    def _columns(self, name: str, entries: tuple[int, ...], units: Iterable[Value] | None = None) -> Outputs:
        """`[n, c, t]` for unit directions of shape `entries`, broadcast to the array's shape where that has more."""
        shape = {**self.params, **self.inputs}[name].shape
        blocks: dict[str, list[Value]] = {}
        for seeds in self._units(entries) if units is None else units:
            count = len(seeds)
            if entries != shape:
                seeds = self.alg.broadcast(self.alg.reshape(seeds, (count, 1, *entries)), (count, *shape))
            jets = Jets(self.alg, 1)
            outputs, _ = self.run(jets, *self._lifted(jets, {name: seeds}))
            for output, jet in outputs.items():
                blocks.setdefault(output, []).append(self._columns_of(jet, count))
        return {output: self.alg.concat(parts, 2) for output, parts in blocks.items()}

    def jvp(self) -> Outputs:
        """`J v` for the case's tangents, in the tree of the outputs."""
        return self._slopes(self.tangents())

    def _slopes(self, tangents: Mapping[str, np.ndarray]) -> Outputs:
        jets = Jets(self.alg, 1)
        outputs, _ = self.run(jets, *self._lifted(jets, self._seeds(tangents)))
        slopes = {name: (jet.coefficients[1], jet.shape) for name, jet in outputs.items()}
        return bare({name: self.alg.zeros(shape) if c is None else c[0] for name, (c, shape) in slopes.items()})

    def vjp(self) -> Outputs:
        """`J^T w` for the case's cotangents, summed over outputs: (p,), or one array for each argument."""
        cotangents = {
            name: self.alg.constant(self.case.vector(name, value.shape, self.dtype))
            for name, value in self._plain[0].items()
        }
        pulled = self._pullback(cotangents, list(self.tangents()))
        if not self.along_params:
            return bare(pulled)
        return {"": self.alg.concat([self.alg.reshape(a, (-1,)) for a in pulled.values()], 0)}

    def _pullback(self, cotangents: Mapping[str, Value], names: list[str]) -> Outputs:
        """What the cotangents of the outputs pull back to the parameters or inputs of these names."""
        tape, variables, outputs = self._taped(names)
        totals = [self.alg.zeros(variable.shape) for variable in variables]
        for output, cotangent in cotangents.items():
            parts = tape.pullback(outputs[output], cotangent, variables)
            totals = [t if part is None else self.alg.add(t, part) for t, part in zip(totals, parts, strict=True)]
        return dict(zip(names, totals, strict=True))

    def _taped(self, names: list[str]) -> tuple[Tape, list[Node], Outputs]:
        """The program on a tape whose variables are the parameters or inputs of these names."""
        tape = Tape(self.alg)

        def nodes(arrays: Mapping[str, Value]) -> dict[str, Value]:
            return {
                k: a if is_integer(a) else tape.variable(a) if k in names else tape.fixed(a) for k, a in arrays.items()
            }

        params, inputs = nodes(self.params), nodes(self.inputs)
        outputs, _ = self.run(tape, params, inputs)
        return tape, [{**params, **inputs}[name] for name in names], outputs

    @cached_property
    def _losses_jacobian(self) -> Value:
        """`grad l_n` as (n, p), without the r of the loss, by forward jets."""
        parts = []
        for name, a in self.params.items():
            for seeds in self._units(a.shape):
                jets = Jets(self.alg, 1)
                losses = self.losses(jets, self.only_output(self.run(jets, *self._lifted(jets, {name: seeds}))[0]))
                parts.append(self._columns_of(losses, len(seeds))[:, 0])
        return self.alg.concat(parts, 1)

    def per_example_gradients(self) -> Value:
        """`r grad l_n` as (n, p); they sum to the gradient."""
        return self.alg.scale(self._losses_jacobian, self.weight)
