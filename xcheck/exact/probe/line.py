"""Line: the primal program and its loss along lines, and rule-free enclosures of their derivatives."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any

import flint
import numpy as np

from xcheck.arrays import rounded
from xcheck.case import Case
from xcheck.exact.balls import Balls, exponent, precision
from xcheck.exact.evaluate import Evaluation, Outputs, Value, is_integer
from xcheck.exact.rulefree import enclosure
from xcheck.exact.ties import DrawnBalls

Pair = tuple[np.ndarray, np.ndarray]
Moves = Mapping[str, np.ndarray]
#: An array and the direction that it moves in.
Lengths = tuple[np.ndarray, np.ndarray]
#: More bits than the reference's 128, so that the check is sharper than what it checks.
BITS = 256


class Line(Evaluation):
    """One case and the random directions of its checks; `draw` says which branch of its ties is followed."""

    def __init__(self, case: Case, dtype: str = "float64", seed: int = 0, draw: int | None = None) -> None:
        super().__init__(case, dtype)
        self.random = np.random.default_rng(seed)
        self.draw = draw

    def direction(self, like: np.ndarray) -> np.ndarray:
        """A random direction of the size of the array that it moves."""
        return _direction(self.random, like)

    def direction_params(self) -> np.ndarray:
        """A random direction of all parameters, flat."""
        return np.concatenate([self.direction(a).ravel() for a in self.values.params.values()])

    def algebra(self) -> Balls:
        return Balls() if self.draw is None else DrawnBalls(self.draw)

    def enclosed(self, line: Any, order: int, lengths: Iterable[Lengths], *, extra_bits: int = 0) -> np.ndarray:
        """An enclosure of a derivative along a line, by what moves and the direction that it moves in."""
        return enclosure(line, order, extra_bits=extra_bits, log_unit=log_unit(lengths), draw=self.draw)

    def _lengths(self, moves: Moves) -> Iterator[Lengths]:
        arrays = {**self.values.params, **self.values.inputs}
        return ((arrays[name], move) for name, move in moves.items())

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
        return self.enclosed(lambda alg, t: self.outputs(alg, moves, t)[output], order, self._lengths(moves))

    def loss_slope(self, moves: Moves, order: int = 1) -> np.ndarray:
        """An enclosure of a derivative of the loss along the line."""
        return self.enclosed(lambda alg, t: self.at(alg, moves, t), order, self._lengths(moves))

    def losses_slope(self, moves: Moves) -> np.ndarray:
        """An enclosure of the first derivative of every `l_n`."""

        def line(alg: Any, t: Any) -> np.ndarray:
            return self.losses(alg, self.only_output(self.outputs(alg, moves, t)))

        return self.enclosed(line, 1, self._lengths(moves))

    def value(self, claimed: Mapping[str, Value]) -> Iterator[Pair]:
        """The same evaluation at twice the bits."""
        with sharper():
            outputs = self.outputs(Balls(), {}, flint.arb(0))
        yield from zip(claimed.values(), outputs.values(), strict=True)

    def aux(self, claimed: Mapping[str, Value]) -> Iterator[Pair]:
        with sharper():
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


def sharper() -> AbstractContextManager[None]:
    """As many bits as the check was given, and 256 at least."""
    return precision(max(BITS, flint.ctx.prec))


def _size(a: np.ndarray) -> int | None:
    """log2 of the largest entry, rounded up; None where none is known not to be zero."""
    if a.dtype == object:
        largest = max((z.abs_lower() for z in a.ravel() if z.is_finite()), default=flint.arb(0))
        return None if largest == 0 else exponent(largest)
    largest = np.max(np.abs(a), initial=0.0, where=np.isfinite(a))
    return None if largest == 0 else int(np.frexp(largest)[1])


def log_unit(lengths: Iterable[Lengths]) -> int:
    """log2 of the t at which the first array has moved by its own size; 0 where nothing says."""
    sizes = [(_size(a), _size(v)) for a, v in lengths]
    return min((size - speed for size, speed in sizes if size is not None and speed is not None), default=0)


def _direction(random: np.random.Generator, like: np.ndarray) -> np.ndarray:
    # Well within the range of float64, so that no direction is 0 or infinite.
    return np.ldexp(rounded(random.standard_normal(like.shape), "float32"), np.clip(_size(like) or 0, -900, 900))


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
