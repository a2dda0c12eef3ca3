"""Checks of the propagated diagonal: slopes of the primal layers, enclosed without a rule and squared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import copy
from dataclasses import dataclass, replace
from typing import Any

import flint
import numpy as np

from xcheck.exact.balls import Balls, precision
from xcheck.exact.evaluate import Outputs, Value, is_integer
from xcheck.exact.probe.line import Line, Pair, numbers, sharper
from xcheck.program import chain, own

#: What is divided by h^2 later on is made with far more bits than the check itself has.
DEEP = 1200


@dataclass(frozen=True)
class Step:
    """One layer, the prefix of its parameters, and what reaches it: integers, or balls of DEEP bits."""

    line: DiagonalProbe
    prefix: str
    reached: Mapping[str, Value]

    def outputs(self, alg: Any, moves: Mapping[str, np.ndarray], t: Any) -> Outputs:
        """The layer's outputs where its parameters and its input have moved by t."""

        def at(name: str, a: Value, exact: Value) -> Value:
            return exact + alg.constant(moves[name]) * t if name in moves else a if is_integer(a) else exact

        params = {n: at(n, a, alg.constant(a)) for n, a in own(self.line.values.params, self.prefix).items()}
        inputs = {n: at(n, a, a if is_integer(a) else numbers(alg, a)) for n, a in self.reached.items()}
        return self.line.run(alg, params, inputs)[0]

    def squared_slopes(self, moves: Mapping[str, np.ndarray]) -> np.ndarray:
        """`(d x_l / dt)^2` (n, o) along one direction."""

        def line(alg: Any, t: Any) -> np.ndarray:
            (value,) = self.outputs(alg, moves, t).values()
            return value.reshape(len(value), -1)

        arrays = {**own(self.line.values.params, self.prefix), **self.reached}
        slopes = self.line.enclosed(line, 1, ((arrays[name], move) for name, move in moves.items()))
        return slopes * slopes


class DiagonalProbe(Line):
    """The layers of a case, one by one, along unit directions of their inputs and of some of their parameters."""

    def ggn_diagonal_backprop(self, claimed: Value) -> Iterator[Pair]:
        """Two coordinates of every parameter array."""
        steps, coordinates = self._steps(), list(self.coordinates())
        m = self._output_diagonal(steps[-1])
        for step in reversed(steps):
            for k in coordinates:
                moves = own({name: v for name, v in self.unit(k).items() if v.any()}, step.prefix)
                if moves:
                    yield claimed[k], (m * step.squared_slopes(moves)).sum()
            if step is not steps[0]:
                m = self._pulled(step, m)

    def _steps(self) -> list[Step]:
        reached: Mapping[str, Value] = self.constants(Balls(), self.values.inputs)
        found = []
        for prefix, layer in chain(self.case.program):
            line = copy(self)
            line.case = replace(self.case, program=layer)
            found.append(Step(line, prefix, reached))
            with precision(DEEP):
                reached = found[-1].outputs(self.algebra(), {}, flint.arb(0))
        return found

    def _output_diagonal(self, last: Step) -> np.ndarray:
        """`m_L = diag H_n` (n, c): second derivatives of `r l_n` along every output."""
        with precision(DEEP):
            (z,) = last.outputs(self.algebra(), {}, flint.arb(0)).values()

        def along(unit: np.ndarray) -> np.ndarray:
            return self.enclosed(
                lambda alg, t: self.losses(alg, numbers(alg, z) + alg.constant(unit) * t), 2, [(z, unit)]
            )

        with sharper():
            return np.stack([Balls().scale(along(unit), self.weight) for unit in _units(z.shape)], axis=1)

    def _pulled(self, step: Step, m: np.ndarray) -> np.ndarray:
        """`m_(l-1)` (n, i)."""
        ((name, x),) = step.reached.items()
        with sharper():
            return np.stack([(m * step.squared_slopes({name: u})).sum(axis=1) for u in _units(x.shape)], axis=1)


def _units(shape: tuple[int, ...]) -> Iterator[np.ndarray]:
    """Every entry of an example, in all examples at once."""
    size = int(np.prod(shape[1:]))
    for k in range(size):
        yield np.broadcast_to(np.eye(1, size, k).reshape(shape[1:]), shape)
