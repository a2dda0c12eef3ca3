"""Probe: holds what a reference claims against rule-free enclosures along random directions.

Every method yields pairs (claimed, proven) of ball arrays that must overlap. Random directions make an undetected error
need an exact cancellation; they are a probe, not a proof for each entry.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import flint
import numpy as np

from xcheck.arrays import rounded
from xcheck.case import Case
from xcheck.exact.balls import Balls, precision
from xcheck.exact.evaluate import Evaluation, Outputs, Value, is_integer
from xcheck.exact.rulefree import enclosure

Pair = tuple[np.ndarray, np.ndarray]
#: More bits than the reference's 128, so that the check is sharper than what it checks.
BITS = 256


class Probe(Evaluation):
    """Rule-free checks of one case."""

    def __init__(self, case: Case, dtype: str = "float64", seed: int = 0) -> None:
        super().__init__(case, dtype)
        self.random = np.random.default_rng(seed)

    def direction(self, shape: tuple[int, ...]) -> np.ndarray:
        return rounded(self.random.standard_normal(shape), "float32")

    def _outputs(self, alg: Any, moves: Mapping[str, np.ndarray], t: Any) -> Outputs:
        """The outputs at `params + t v` and `inputs + t v`."""
        return self.run(
            alg, self._moved(alg, self.values.params, moves, t), self._moved(alg, self.values.inputs, moves, t)
        )[0]

    @staticmethod
    def _moved(alg: Any, arrays: Mapping[str, np.ndarray], moves: Mapping[str, np.ndarray], t: Any) -> dict[str, Value]:
        return {
            name: a
            if is_integer(a)
            else alg.constant(a) + alg.constant(moves[name]) * t
            if name in moves
            else alg.constant(a)
            for name, a in arrays.items()
        }

    def _loss(self, alg: Any, moves: Mapping[str, np.ndarray], t: Any) -> np.ndarray:
        params = self._moved(alg, self.values.params, moves, t)
        return self.objective(alg, params, self._moved(alg, self.values.inputs, moves, t))

    def value(self, claimed: Mapping[str, Value]) -> Iterator[Pair]:
        """The same evaluation at twice the bits."""
        with precision(BITS):
            outputs = self._outputs(Balls(), {}, flint.arb(0))
        yield from zip(claimed.values(), outputs.values(), strict=True)

    def aux(self, claimed: Mapping[str, Value]) -> Iterator[Pair]:
        with precision(BITS):
            alg = Balls()
            _, aux = self.run(alg, self.constants(alg, self.values.params), self.constants(alg, self.values.inputs))
        for name, value in aux.items():
            yield claimed[f"aux/{name}"], value

    def jacobian(self, claimed: Mapping[str, Value], wrt: str) -> Iterator[Pair]:
        """`J v` against phi', one random v for each argument."""
        alg = Balls()
        several = "" not in claimed
        for argument in ("params",) if wrt == "params" else self.case.arguments:
            if wrt == "params":
                flat = self.direction((self.case.p,))
                moves = self.split(flat)
                v = np.broadcast_to(flat, (self.case.n, flat.size))
            else:
                moves = {argument: self.direction(self.values.inputs[argument].shape)}
                v = moves[argument].reshape(self.case.n, -1)
            for output in self._outputs(Balls(), {}, flint.arb(0)):
                J = claimed[f"{output}/{argument}" if several else ""]
                product = alg.matmul(J, alg.constant(v)[:, :, None])[:, :, 0]
                slope = enclosure(lambda a, t, o=output, m=moves: self._outputs(a, m, t)[o], 1)
                yield product, slope.reshape(product.shape)

    def gradient(self, claimed: Value) -> Iterator[Pair]:
        """`g v` against phi' of the loss."""
        v = self.direction((self.case.p,))
        yield _dot(claimed, v), enclosure(lambda a, t: self._loss(a, self.split(v), t), 1)

    def _curvature(self, v: np.ndarray) -> np.ndarray:
        """An enclosure of `v^T H v`."""
        return enclosure(lambda a, t: self._loss(a, self.split(v), t), 2)

    def hessian(self, claimed: Value) -> Iterator[Pair]:
        """Symmetry, and `v^T H v` against phi''."""
        yield claimed, claimed.T
        v = self.direction((self.case.p,))
        yield _form(claimed, v), self._curvature(v)

    def hvp(self, claimed: Value) -> Iterator[Pair]:
        """`u^T (H v)` by polarisation: `(q(u + v) - q(u - v)) / 4` with `q(w) = w^T H w`."""
        v = self.case.vector("params", (self.case.p,), self.dtype)
        u = self.direction(v.shape)
        with precision(BITS):
            proven = (self._curvature(u + v) - self._curvature(u - v)) / 4
        yield _dot(claimed, u), proven

    def _coordinates(self) -> Iterator[int]:
        """Two entries of every parameter array: its first, and one at random."""
        start = 0
        for a in self.values.params.values():
            yield from {start, start + int(self.random.integers(a.size))}
            start += a.size

    def hessian_diagonal(self, claimed: Value) -> Iterator[Pair]:
        for k in self._coordinates():
            yield claimed[k : k + 1], np.reshape(self._curvature(np.eye(1, self.case.p, k)[0]), (1,))

    def _gauss_newton(self, v: np.ndarray) -> np.ndarray:
        """An enclosure of `v^T G v`: the second derivative of `L(z + t J v)` with z held fixed."""
        moves = self.split(v)
        (name,) = self._outputs(Balls(), {}, flint.arb(0))
        # z and J v enter a division by h^2, so they are made with far more bits than the check itself has.
        slope = enclosure(lambda a, t: self._outputs(a, moves, t)[name], 1, extra_bits=100)
        with precision(600):
            z = self._outputs(Balls(), {}, flint.arb(0))[name]
        return enclosure(lambda a, t: self.loss(a, _in(a, z) + _in(a, slope) * t), 2)

    def ggn(self, claimed: Value) -> Iterator[Pair]:
        """Symmetry, and `v^T G v`."""
        yield claimed, claimed.T
        v = self.direction((self.case.p,))
        yield _form(claimed, v), self._gauss_newton(v)

    def ggn_diagonal(self, claimed: Value) -> Iterator[Pair]:
        for k in self._coordinates():
            yield claimed[k : k + 1], np.reshape(self._gauss_newton(np.eye(1, self.case.p, k)[0]), (1,))


def _in(alg: Any, balls: np.ndarray) -> np.ndarray:
    """Balls as numbers of `alg`."""
    return np.frompyfunc(alg.number, 1, 1)(balls)


def _dot(claimed: np.ndarray, v: np.ndarray) -> np.ndarray:
    return np.asarray(Balls().matmul(claimed[None, :], Balls().constant(v)[:, None])[0, 0], dtype=object)


def _form(claimed: np.ndarray, v: np.ndarray) -> np.ndarray:
    return _dot(Balls().matmul(claimed, Balls().constant(v)[:, None])[:, 0], v)


def overlap(pairs: Iterable[Pair]) -> list[str]:
    """What contradicts: one line for each pair that does not overlap, or whose enclosure proves nothing.

    An enclosure wider than 2^-60 of its largest entry is void: it would overlap anything.
    """
    faults = []
    for number, (claimed, proven) in enumerate(pairs):
        a, b = np.ravel(claimed), np.ravel(proven)
        apart = [k for k, (x, y) in enumerate(zip(a, b, strict=True)) if not _real(x).overlaps(_real(y))]
        if apart:
            k = apart[0]
            faults.append(
                f"check {number}: {len(apart)} of {a.size} entries, the first at {k}: {a[k]} is not in {b[k]}"
            )
        widest = max((_real(y).rad() for y in b), default=flint.arb(0))
        largest = max((abs(_real(y)).upper() for y in b), default=flint.arb(0))
        if not widest <= largest * flint.arb(2) ** -60 and widest > flint.arb(2) ** -100:
            faults.append(f"check {number}: the enclosure is too wide to prove anything ({widest} of {largest})")
    return faults


def _real(z: Any) -> Any:
    return z.real if isinstance(z, flint.acb) else z
