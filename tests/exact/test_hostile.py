"""Kinks, ties, masks, cancellation and numbers of every size: a certified value holds the truth, or it is refused.

The truth is a closed form of each kind, written by hand and evaluated with 1000 bits: no rule of xcheck takes part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import flint
import numpy as np
import pytest

from xcheck import Case, Literal
from xcheck._errors import NoReference, Undecidable
from xcheck.exact.balls import precision
from xcheck.exact.certify import Certified, certify
from xcheck.quantities import load_quantities

arb = flint.arb
Program = Callable[[Any, Any], Any]
Truth = dict[str, np.ndarray]
NAMES = ("value", "jacobian_inputs", "hessian_inputs")
BITS = 1000


@dataclass(frozen=True)
class Sample:
    """A program of one example, the point, the arrays that are right there, and what is refused, by quantity."""

    name: str
    program: Program
    x: np.ndarray
    truth: Truth
    refused: tuple[str, ...] = ()

    def case(self) -> Case:
        return Case(
            name="hostile",
            program=lambda xp, params, inputs: xp.reshape(self.program(xp, inputs["x"]), (1, -1)),
            params={},
            inputs={"x": Literal((tuple(map(float, self.x)),), dtype="float64")},
        )


def array(values: Any) -> np.ndarray:
    return np.vectorize(arb, otypes=[object])(np.asarray(values, dtype=object))


def separate(f: np.ndarray, slope: np.ndarray, curve: np.ndarray) -> Truth:
    """Of a function that acts on each entry by itself."""
    d = len(f)
    J, H = array(np.zeros((d, d))), array(np.zeros((d, d, d)))
    for k in range(d):
        J[k, k], H[k, k, k] = slope[k], curve[k]
    return dict(zip(NAMES, (f, J, H), strict=True))


def number(random: np.random.Generator, low: int, high: int) -> float:
    """A mantissa of few bits and an exponent of any size."""
    return float(np.ldexp(random.integers(2**10, 2**11), int(random.integers(low, high)) - 10))


#: Exponents of the argument that float64 has room for, the program, and its two derivatives.
SCALED: dict[str, tuple[tuple[int, int], Program, Callable[[arb], tuple[arb, arb, arb]]]] = {
    "log": ((-300, 300), lambda xp, x: xp.log(x), lambda x: (x.log(), 1 / x, -1 / x**2)),
    "sqrt": ((-300, 300), lambda xp, x: xp.sqrt(x), lambda x: (x.sqrt(), x.rsqrt() / 2, -x.rsqrt() ** 3 / 4)),
    "reciprocal": ((-150, 150), lambda xp, x: 1.0 / x, lambda x: (1 / x, -1 / x**2, 2 / x**3)),
    "fourth": ((-100, 100), lambda xp, x: x**4, lambda x: (x**4, 4 * x**3, 12 * x**2)),
    "exp": ((-300, 8), lambda xp, x: xp.exp(x), lambda x: (x.exp(),) * 3),
    "tanh": ((-300, 6), lambda xp, x: xp.tanh(x), lambda x: (x.tanh(), x.sech() ** 2, -2 * x.tanh() * x.sech() ** 2)),
    "log1p": ((-300, 300), lambda xp, x: xp.log1p(x), lambda x: (x.log1p(), 1 / (1 + x), -1 / (1 + x) ** 2)),
    "square_of_relu": ((-150, 150), lambda xp, x: xp.nn.relu(x) * x, lambda x: (x * x, 2 * x, arb(2))),
}  # fmt: skip


def scaled(random: np.random.Generator) -> Iterator[Sample]:
    for name, ((low, high), program, closed) in SCALED.items():
        x = np.array([number(random, low, high) for _ in range(2)])
        yield Sample(
            f"scaled_{name}", program, x, separate(*(array(a) for a in zip(*map(closed, array(x)), strict=True)))
        )


def shifted(xp: Any, y: Any) -> Any:
    """Softmax by hand, with the shift that floats need."""
    powers = xp.exp(y - xp.max(y, axis=-1, keepdims=True))
    return powers / xp.sum(powers, axis=-1, keepdims=True)


SOFTMAX: dict[str, Program] = {"softmax": lambda xp, y: xp.nn.softmax(y), "by_hand": shifted}


def softmaxes(random: np.random.Generator) -> Iterator[Sample]:
    """Rows that tie in their largest entries, with -inf where they are masked."""
    for name, softmax in SOFTMAX.items():
        for masked in ("none", "where", "add"):
            x = np.round(random.standard_normal(4) * 4) / 2.0 ** int(random.integers(-3, 4))
            tied = random.choice(4, size=2, replace=False)
            x[tied] = np.max(x) + 0.5 * random.integers(0, 2)
            keep = np.ones(4, dtype=bool)
            keep[random.integers(0, 4)] = masked == "none"

            def program(xp: Any, x: Any, softmax=softmax, keep=keep, masked=masked) -> Any:
                if masked == "where":
                    return softmax(xp, xp.where(keep, x, -np.inf))
                return softmax(xp, x if masked == "none" else x + np.where(keep, 0.0, -np.inf))

            powers = array(x)
            for k, z in enumerate(powers):
                powers[k] = z.exp() if keep[k] else arb(0)
            yield Sample(f"{name}_{masked}", program, x, softmax_truth(powers / powers.sum()))


def softmax_truth(p: np.ndarray) -> Truth:
    """`J = diag p - p p^T`, and `H_ijk = d J_ij / d x_k`."""
    unit = array(np.eye(len(p)))
    J = unit * p - p[:, None] * p
    H = unit[:, :, None] * J[:, None, :] - J[:, None, :] * p[:, None] - p[:, None, None] * J[None]
    return dict(zip(NAMES, (p, J, H), strict=True))


def kinks(random: np.random.Generator) -> Iterator[Sample]:
    """Exactly on a kink, with derivatives that agree up to some order."""
    a = number(random, -100, 100)
    zero, one, both = array([0.0]), array([a]), ("jacobian_inputs", "hessian_inputs")
    at = np.zeros(1)
    yield Sample("x_abs_x", lambda xp, x: a * x * xp.abs(x), at, separate(zero, zero, zero), both[1:])
    yield Sample("relu_squared", lambda xp, x: xp.nn.relu(a * x) ** 2, at, separate(zero, zero, zero), both[1:])
    yield Sample("cube", lambda xp, x: xp.maximum(x, 0.0) ** 3 * a, at, separate(zero, zero, zero))
    yield Sample("abs", lambda xp, x: xp.abs(x * a), at, separate(zero, zero, zero), both)
    yield Sample(
        "two_relus", lambda xp, x: xp.nn.relu(a * x) + xp.nn.relu(-a * x), at, separate(zero, zero, zero), both
    )
    yield Sample("step", lambda xp, x: xp.where(x > 0, a, 0.0), at, separate(zero, zero, zero), both)
    yield Sample(
        "bend", lambda xp, x: xp.where(x > 0, x, x + a * x * x), at, separate(zero, array([1.0]), zero), both[1:]
    )
    yield Sample(
        "huber", lambda xp, x: xp.nn.huber(x, 0 * x, a), np.array([a]), separate(one * one / 2, one, zero), both[1:]
    )
    yield Sample(
        "norm", lambda xp, x: xp.sqrt(xp.sum(x * x)) * xp.sum(x), np.zeros(1), separate(zero, zero, zero), both
    )


def left_out(random: np.random.Generator) -> Iterator[Sample]:
    """What a branch does not take may be infinite."""
    a = number(random, -60, 60)
    x = np.array([-a, a])
    root, r = array([0.0, a]), arb(a)
    for k, z in enumerate(root):
        root[k] = z.sqrt()
    truth = separate(root, array([0, r.rsqrt() / 2]), array([0, -(r.rsqrt() ** 3) / 4]))
    yield Sample("where_sqrt", lambda xp, x: xp.where(x > 0, xp.sqrt(x), 0.0), x, truth)
    yield Sample("where_product", lambda xp, x: xp.where(x > 0, x * xp.sqrt(x) / x, 0.0), x, truth)
    yield Sample("sqrt_relu", lambda xp, x: xp.sqrt(xp.nn.relu(x)), x, truth)
    yield Sample("where_log", lambda xp, x: xp.where(x < 0, 0.0 * x, xp.log(x)), x,
                 separate(array([0, r.log()]), array([0, 1 / r]), array([0, -1 / r**2])))  # fmt: skip


def cancelling(random: np.random.Generator) -> Iterator[Sample]:
    """Derivatives that are 0 because their terms cancel."""
    x = random.standard_normal(3)
    nothing, d = separate(*(array(np.zeros(1)) for _ in range(3))), len(x)
    flat = {
        "value": array([1.0]),
        "jacobian_inputs": array(np.zeros((1, d))),
        "hessian_inputs": array(np.zeros((1, d, d))),
    }
    yield Sample("sum_of_softmax", lambda xp, x: xp.sum(xp.nn.softmax(x), axis=-1), x, flat)
    a = number(random, -200, 200)
    yield Sample("difference", lambda xp, x: a * xp.exp(x) - xp.exp(x) * a, x[:1], nothing)
    eps, level = 2.0**-10, number(random, -20, 20)
    centre = array(np.eye(d)) - arb(1) / d
    truth = {
        "value": array(np.zeros(d)),
        "jacobian_inputs": centre / arb(eps).sqrt(),
        "hessian_inputs": array(np.zeros((d,) * 3)),
    }

    def norm(xp: Any, x: Any) -> Any:
        return xp.nn.layer_norm(x, xp.asarray(np.ones(d)), xp.asarray(np.zeros(d)), eps)

    yield Sample("constant_row", norm, np.full(d, level), truth)


def samples() -> Iterator[Sample]:
    random = np.random.default_rng(20261130)
    with precision(BITS):
        for _ in range(5):
            for kind in (scaled, softmaxes, kinks, left_out, cancelling):
                yield from kind(random)


def holds(leaf: Certified, truth: np.ndarray) -> bool:
    """`|value + low - truth| <= radius`, so far as 1000 bits tell, and where the truth is 0 so is the value."""
    exact = zip(*(np.ravel(a) for a in (leaf.value, leaf.low, leaf.radius, truth)), strict=True)
    return all((arb(v) + arb(low)).overlaps(t + arb(0, r)) and (t != 0 or v == 0) for v, low, r, t in exact)


@pytest.mark.parametrize("sample", list(samples()), ids=lambda sample: sample.name)
def test_what_is_certified_is_true_and_what_is_not_is_refused(sample: Sample) -> None:
    declared = load_quantities()
    for name in NAMES:
        if name in sample.refused:
            with pytest.raises((NoReference, Undecidable)):
                certify(sample.case(), [declared[name]])
            continue
        leaf = certify(sample.case(), [declared[name]])[name][""]
        with precision(BITS):
            assert holds(leaf, sample.truth[name]), (
                f"{sample.name} at {sample.x}: {name} {leaf.value} {sample.truth[name]}"
            )
