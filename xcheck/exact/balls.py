"""Balls: NumPy arrays of `arb`, real numbers with a proven radius (FLINT; Johansson 2017, "Arb").

>>> alg = Balls()
>>> with precision(128):
...     third = alg.call("reciprocal", alg.constant(np.array([3.0])))
>>> bool((3 * third[0]).contains(1)), float(third[0].rad()) < 1e-38
(True, True)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from math import prod
from typing import Any

import flint
import numpy as np

from xcheck._errors import Undecidable, UnknownPrimitive
from xcheck.exact.arrays import ArrayAlgebra, boxed


@contextmanager
def precision(bits: int) -> Iterator[None]:
    """FLINT's working precision, restored afterwards."""
    before = flint.ctx.prec
    flint.ctx.prec = bits
    try:
        yield
    finally:
        flint.ctx.prec = before


def exponent(z: flint.arb) -> int:
    """e with `2^(e-1) <= |m| < 2^e` for the middle m of a ball.

    >>> exponent(flint.arb(1)), exponent(flint.arb(-7))
    (1, 3)
    """
    mantissa, power = z.mid().man_exp()
    return int(power) + int(mantissa).bit_length()


def elementwise(function: Callable[..., Any]) -> Callable[..., np.ndarray]:
    ufunc = np.frompyfunc(function, 1, 1)
    return lambda a: boxed(ufunc(a))


FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "exp": lambda z: z.exp(),
    "expm1": lambda z: z.expm1() if isinstance(z, flint.arb) else z.exp() - 1,
    "log": lambda z: z.log(),
    "log1p": lambda z: z.log1p() if isinstance(z, flint.arb) else (1 + z).log(),
    "reciprocal": lambda z: 1 / z,
    "sqrt": lambda z: z.sqrt(),
    "tanh": lambda z: z.tanh(),
    "sin": lambda z: z.sin(),
    "cos": lambda z: z.cos(),
    "sigmoid": lambda z: 1 / (1 + (-z).exp()),
    "softplus": lambda z: z.exp().log1p() if isinstance(z, flint.arb) else (1 + z.exp()).log(),
    "erf": lambda z: z.erf(),
    "erf_slope": lambda z: 2 * (-z * z).exp() / flint.arb.pi().sqrt(),
}

#: Functions with a branch cut on the negative axis: what must have a positive real part.
CUT: dict[str, Callable[[Any], Any]] = {
    "log": lambda z: z,
    "sqrt": lambda z: z,
    "log1p": lambda z: 1 + z,
    "softplus": lambda z: 1 + z.exp(),
}

#: Calls of a function whose values are kept.
KEPT = 16


class Balls(ArrayAlgebra):
    """Real balls, at as many bits as `precision` says; every operation encloses the true result."""

    number: Any = flint.arb
    matrix: Any = flint.arb_mat
    zero = flint.arb(0)

    def __init__(self) -> None:
        #: The last arguments, which stay alive so that no other array gets their id, and their values.
        self._called: dict[tuple[str, int, int], tuple[np.ndarray, np.ndarray]] = {}

    def constant(self, values: np.ndarray) -> np.ndarray:
        return elementwise(self._exact)(np.asarray(values).astype(object))

    def _exact(self, value: Any) -> Any:
        return self.number(value)

    def literal(self, number: float) -> np.ndarray:
        return boxed(self.number(number))

    def ones_like(self, a: np.ndarray) -> np.ndarray:
        return np.full(a.shape, self.number(1))

    def add(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return boxed(a + b)

    def sub(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return boxed(a - b)

    def mul(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return boxed(a * b)

    def neg(self, a: np.ndarray) -> np.ndarray:
        return boxed(-a)

    def scale(self, a: np.ndarray, factor: Fraction | int) -> np.ndarray:
        factor = Fraction(factor)
        a = a if factor.numerator == 1 else a * flint.arb(factor.numerator)
        return boxed(a if factor.denominator == 1 else a / flint.arb(factor.denominator))

    def sum(self, a: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
        return boxed(np.add.reduce(a, axis=axes)) if axes else a

    def call(self, name: str, a: np.ndarray) -> np.ndarray:
        if name not in FUNCTIONS:
            raise UnknownPrimitive(f"balls have no value of {name!r}; add it to FUNCTIONS in xcheck/exact/balls.py")
        # The tape asks in reverse for the derivatives of what went forwards, and most are made of the same values.
        key = (name, id(a), flint.ctx.prec)
        if key not in self._called:
            if len(self._called) == KEPT:
                del self._called[next(iter(self._called))]
            self._called[key] = (a, elementwise(self.function(name))(a))
        return self._called[key][1]

    def function(self, name: str) -> Callable[[Any], Any]:
        return FUNCTIONS[name]

    def finite(self, a: np.ndarray) -> np.ndarray:
        return np.asarray(np.frompyfunc(lambda z: z.is_finite(), 1, 1)(a), dtype=bool)

    def floats(self, a: np.ndarray) -> np.ndarray:
        return np.asarray(np.frompyfunc(lambda z: float(z.real.mid()), 1, 1)(a), dtype=np.float64)

    def sign(self, a: np.ndarray) -> np.ndarray:
        return np.asarray(np.frompyfunc(self._sign, 1, 1)(a), dtype=np.int8)

    @staticmethod
    def _sign(z: Any) -> int:
        if z == 0:
            return 0
        if z > 0:
            return 1
        if z < 0:
            return -1
        raise Undecidable(f"the sign of {z.str(5)} is not decided: the case sits on a kink, or needs more bits")

    def matmul(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Batches fold into rows where one factor is a plain matrix, so that FLINT sees few large products."""
        (rows, inner), columns = a.shape[-2:], b.shape[-1]
        lead_a, lead_b = prod(a.shape[:-2]), prod(b.shape[:-2])
        if lead_b == 1:
            product = self._product(a.reshape(lead_a * rows, inner), b.reshape(inner, columns))
            return product.reshape(*_lead(a, b), rows, columns)
        if lead_a == 1:
            flipped = self.matmul(np.swapaxes(b, -1, -2), np.swapaxes(a, -1, -2))
            return np.swapaxes(flipped, -1, -2)
        lead = _lead(a, b)
        left = np.broadcast_to(a, (*lead, rows, inner)).reshape(-1, rows, inner)
        right = np.broadcast_to(b, (*lead, inner, columns)).reshape(-1, inner, columns)
        return np.stack([self._product(x, y) for x, y in zip(left, right, strict=True)]).reshape(*lead, rows, columns)

    def _product(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        if a.shape[1] == 1:
            return a * b
        product = self.matrix(*a.shape, a.ravel().tolist()) * self.matrix(*b.shape, b.ravel().tolist())
        result = np.empty(a.shape[0] * b.shape[1], dtype=object)
        result[:] = product.entries()
        return result.reshape(a.shape[0], b.shape[1])


def _lead(a: np.ndarray, b: np.ndarray) -> tuple[int, ...]:
    return np.broadcast_shapes(a.shape[:-2], b.shape[:-2])


class ComplexBalls(Balls):
    """Complex balls (`acb`), for values on a disc around a real point; nothing is conjugated.

    A function is used only where it is analytic on the whole ball: log and sqrt need a positive real part. Elsewhere
    its value is NaN, which spoils all that it enters and nothing that a branch leaves out; `refused` says what it was.
    A branch is decided by the sign of the real part on the whole ball; otherwise `Undecidable`.
    """

    number = flint.acb
    matrix = flint.acb_mat
    zero = flint.acb(0)

    def __init__(self) -> None:
        super().__init__()
        self.refused: str | None = None

    def function(self, name: str) -> Callable[[Any], Any]:
        value, cut = FUNCTIONS[name], CUT.get(name)

        def guarded(z: Any) -> Any:
            if z.is_exact() and z.imag == 0:  # one number on the whole disc: a constant, as it is on the real line
                result = flint.acb(value(z.real))
            elif cut is not None and not cut(z).real > 0:
                return self._void(f"{name} is not analytic on a disc around {z.real.str(5)}: its real part reaches 0")
            else:
                result = value(z)
            if result.is_finite():
                return result
            return self._void(f"{name} is not finite on a disc around {z.real.str(5)}")

        return guarded

    def _void(self, reason: str) -> Any:
        self.refused = self.refused or reason
        return flint.acb("nan")

    @staticmethod
    def _sign(z: Any) -> int:
        return 0 if z == 0 else Balls._sign(_nonzero(z.real))


def _nonzero(real: Any) -> Any:
    """A real part that decides: exactly 0 beside an imaginary part decides nothing."""
    return flint.arb(0, 1) if real == 0 else real
