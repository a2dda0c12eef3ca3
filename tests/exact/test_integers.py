"""Integers in programs: exact, never wrapped around, and what the frameworks compute; they have no derivative."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import xcheck
from xcheck import Case, CaseError, Integers, Literal, Normal
from xcheck._errors import UnknownPrimitive
from xcheck._lazy import installed
from xcheck.exact.balls import Balls, precision
from xcheck.exact.certify import certify
from xcheck.exact.namespace import IntegerArray, Namespace
from xcheck.program import cross_entropy
from xcheck.quantities import load_quantities

FRAMEWORKS = [name for name in ("torch", "jax") if installed(name)]
TOKENS = ((1, 0, 2), (2, 2, 1))


def case(program: Callable[..., Any], tokens: Any = TOKENS, **more: Any) -> Case:
    return Case(
        name="tokens", program=lambda xp, params, inputs: program(xp, params["w"], inputs["tokens"], inputs["x"]),
        params={"w": Normal((3, 2), seed=1)}, inputs={"x": Normal((2, 3), seed=2), "tokens": Literal(tokens)}, **more,
    )  # fmt: skip


PROGRAMS: dict[str, Callable[..., Any]] = {
    "rows": lambda xp, w, k, x: xp.sum(w[k], axis=1),
    "next_row": lambda xp, w, k, x: xp.sum(w[(k + 1) % 3] * w[2 - k], axis=1),
    "product": lambda xp, w, k, x: k * x * 0.5 - x / (k + 1) + (k - 2) * (3 - k) * x,
    "halved": lambda xp, w, k, x: (k * 5 // 2) * x,
    "mixed": lambda xp, w, k, x: xp.where(k == 0, x, k * x) + xp.where(k >= 2, 1.0, x),
    "powers": lambda xp, w, k, x: k**2 * x + 2**k * x + x**k,
    "summed": lambda xp, w, k, x: x * xp.sum(k, axis=1, keepdims=True) + xp.sum(k > 0),
    "extremes": lambda xp, w, k, x: x * xp.max(k) - xp.min(k, axis=1, keepdims=True) * x + xp.abs(k - 1) * x,
    "clipped": lambda xp, w, k, x: xp.sum(w[xp.clip(k + 1, min=0, max=2)], axis=1),
    "ranges": lambda xp, w, k, x: xp.sum(w[xp.arange(3)] * w[xp.flip(xp.arange(3))], axis=1) * x,
    "moved": lambda xp, w, k, x: xp.sum(w[xp.reshape(xp.permute_dims(k, (1, 0)), (2, 3))], axis=1),
    "one": lambda xp, w, k, x: w[k[0, 0]] * x[:, :2],
    "matrix": lambda xp, w, k, x: xp.sum(w[k @ k.T % 3], axis=1),
    "real_product": lambda xp, w, k, x: xp.astype(k, x.dtype) @ w,
    "negative": lambda xp, w, k, x: -k * x + x,
}


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("name", PROGRAMS)
def test_integers_are_those_of_the_frameworks(name, framework, tmp_path, monkeypatch):
    monkeypatch.setenv("XCHECK_CACHE", str(tmp_path))
    one = case(PROGRAMS[name])
    certify(one, [load_quantities()[quantity] for quantity in ("jacobian_params", "vjp")])
    problem = xcheck.problem(one, "value", framework)
    with problem.precision():
        problem.check(problem.f(problem.params, *problem.inputs))


@pytest.mark.parametrize(
    ("function", "line"),
    [
        (lambda k: k + (2**63 - 1), "reach 9223372036854775809"),
        (lambda k: k * 2**62, "wrap around in 64 bits"),
        (lambda k: 3 ** (k + 60), "wrap around"),
        (lambda k: 3 ** (k + 10**12), "far beyond 64 bits"),
        (lambda k: k // 0, "by 0 has no value"),
        (lambda k: k % (k - 1), "by 0 has no value"),
        (lambda k: k**-1, "a negative power"),
        (lambda k: k + np.array([2**63], dtype=np.uint64) * np.uint64(1), "reach 9223372036854775810"),
        (lambda k: k + None, "NoneType"),
        (lambda k: k * 1j, "complex"),
    ],
)
def test_what_has_no_integer_is_refused(function, line):
    with pytest.raises(CaseError, match=line):
        function(IntegerArray(Namespace(Balls()), np.array([1, 2, 1])))


def test_narrow_integers_do_not_wrap_around():
    k = IntegerArray(Namespace(Balls()), np.array([200, 255], dtype=np.uint8))
    assert (k + np.array([100, 1], dtype=np.uint8)).value.tolist() == [300, 256]
    assert (k * k).value.tolist() == [40000, 65025]


def test_large_integers_are_exact_as_reals():
    xp = Namespace(Balls())
    with precision(128):
        found = (IntegerArray(xp, np.array([2**53 + 1, 3])) * 0.5 - 2.0**52).value
    assert bool(found[0] == 0.5)


def test_comparisons_have_no_arithmetic_of_their_own():
    xp = Namespace(Balls())
    x = xp.real(np.array([1.0, -1.0]))
    c, d = x > 0, x < 0
    uses = (
        lambda: c + d, lambda: c * d, lambda: c - True, lambda: c @ d, lambda: xp.max(c), lambda: xp.min(c),
        lambda: xp.prod(c), lambda: xp.cumulative_sum(c), lambda: xp.square(c), lambda: xp.maximum(c, d),
        lambda: xp.vecdot(c, d), lambda: xp.where(c, c, d), lambda: xp.abs(c), lambda: xp.positive(c), lambda: -c,
    )  # fmt: skip
    for use in uses:
        with pytest.raises(UnknownPrimitive, match=r"logical_and|has no __"):
            use()


@pytest.mark.parametrize("descriptor", [Literal((1, 2)), Literal((True, False)), Integers((3,), 1, 0, 5), Literal(3)])
def test_integer_parameters_are_refused_when_they_are_declared(descriptor):
    with pytest.raises(CaseError, match="case whole: params 'w' holds integers, which have no derivative"):
        Case(name="whole", program=lambda xp, p, i: i["x"], params={"w": descriptor}, inputs={"x": Normal((2,), 1)})


def test_integers_have_no_derivative_and_are_no_output():
    with pytest.raises(CaseError, match="wrt names 'tokens', whose integers have no derivative"):
        case(PROGRAMS["rows"], wrt="tokens").values()
    with pytest.raises(CaseError, match="output 'output' is a IntegerArray, expected an array of reals"):
        certify(case(lambda xp, w, k, x: k), [load_quantities()["value"]])


@pytest.mark.parametrize(
    ("labels", "line"),
    [
        (Literal((0, 3)), "index 3 is out of range"),
        (Literal((0, -1)), "index -1 is out of range"),
        (Literal((0.0, 1.0)), "are integers"),
        (Literal(((0,), (1,))), "do not fit shape"),
    ],
)
def test_labels_that_are_none_are_refused(labels, line):
    one = case(lambda xp, w, k, x: x, targets=labels, loss=cross_entropy())
    with pytest.raises(CaseError, match=f"the loss of case tokens: .*{line}"):
        certify(one, [load_quantities()["gradient"]])
