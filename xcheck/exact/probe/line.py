"""Line: the primal program and its loss along lines, and rule-free enclosures of their derivatives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import flint
import numpy as np

from xcheck.arrays import rounded
from xcheck.case import Case
from xcheck.exact.balls import Balls, precision
from xcheck.exact.evaluate import Evaluation, Outputs, Value, is_integer
from xcheck.exact.rulefree import enclosure

Pair = tuple[np.ndarray, np.ndarray]
Moves = Mapping[str, np.ndarray]
#: More bits than the reference's 128, so that the check is sharper than what it checks.
BITS = 256


class Line(Evaluation):
    """One case and the random directions of its checks."""

    def __init__(self, case: Case, dtype: str = "float64", seed: int = 0) -> None:
        super().__init__(case, dtype)
        self.random = np.random.default_rng(seed)

    def direction(self, shape: tuple[int, ...]) -> np.ndarray:
        return rounded(self.random.standard_normal(shape), "float32")

    def outputs(self, alg: Any, moves: Moves, t: Any) -> Outputs:
        """The outputs at `params + t v` and `inputs + t v`."""
        return self.run(
            alg, self._moved(alg, self.values.params, moves, t), self._moved(alg, self.values.inputs, moves, t)
        )[0]

    @staticmethod
    def _moved(alg: Any, arrays: Mapping[str, np.ndarray], moves: Moves, t: Any) -> dict[str, Value]:
        return {
            name: a
            if is_integer(a)
            else alg.constant(a) + alg.constant(moves[name]) * t
            if name in moves
            else alg.constant(a)
            for name, a in arrays.items()
        }

    def at(self, alg: Any, moves: Moves, t: Any) -> np.ndarray:
        """The loss at the point t of the line."""
        return self.loss(alg, self.only_output(self.outputs(alg, moves, t)))

    def names(self) -> list[str]:
        """The names of the outputs."""
        return list(self.outputs(Balls(), {}, flint.arb(0)))

    def slope(self, output: str, moves: Moves, order: int = 1) -> np.ndarray:
        """An enclosure of a derivative of one output along the line."""
        return enclosure(lambda alg, t: self.outputs(alg, moves, t)[output], order)

    def loss_slope(self, moves: Moves, order: int = 1) -> np.ndarray:
        """An enclosure of a derivative of the loss along the line."""
        return enclosure(lambda alg, t: self.at(alg, moves, t), order)

    def losses_slope(self, moves: Moves) -> np.ndarray:
        """An enclosure of the first derivative of every `l_n`."""
        return enclosure(lambda alg, t: self.losses(alg, self.only_output(self.outputs(alg, moves, t))), 1)

    def value(self, claimed: Mapping[str, Value]) -> Iterator[Pair]:
        """The same evaluation at twice the bits."""
        with precision(BITS):
            outputs = self.outputs(Balls(), {}, flint.arb(0))
        yield from zip(claimed.values(), outputs.values(), strict=True)

    def aux(self, claimed: Mapping[str, Value]) -> Iterator[Pair]:
        with precision(BITS):
            alg = Balls()
            _, aux = self.run(alg, self.constants(alg, self.values.params), self.constants(alg, self.values.inputs))
        for name, value in aux.items():
            yield claimed[f"aux/{name}"], value

    def coordinates(self) -> Iterator[int]:
        """Two entries of every parameter array: its first, and one at random."""
        for columns in self.columns().values():
            yield from {columns.start, int(self.random.integers(columns.start, columns.stop))}

    def unit(self, k: int) -> Moves:
        """The direction of parameter k."""
        return self.split(np.eye(1, self.case.p, k)[0])


def sides(u: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`u + v` and `u - v` without rounding: polarisation needs exactly these."""
    alg = Balls()
    a, b = alg.constant(u), alg.constant(v)
    return alg.add(a, b), alg.sub(a, b)


def times(claimed: np.ndarray, v: np.ndarray) -> np.ndarray:
    """The product of the last axis with a vector."""
    alg = Balls()
    return alg.matmul(claimed, alg.constant(v)[:, None])[..., 0]


def dot(claimed: np.ndarray, v: np.ndarray) -> np.ndarray:
    return np.asarray(times(claimed[None, :], v)[0], dtype=object)


def form(claimed: np.ndarray, v: np.ndarray) -> np.ndarray:
    """`v^T C v`."""
    return dot(times(claimed, v), v)


def numbers(alg: Any, balls: np.ndarray) -> np.ndarray:
    """Balls as numbers of `alg`."""
    return np.frompyfunc(alg.number, 1, 1)(balls)
