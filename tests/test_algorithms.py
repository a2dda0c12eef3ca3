"""Right results of another algorithm agree: sums in other orders, other factorisations, other forms of a formula."""

from __future__ import annotations

from contextlib import nullcontext
from functools import cache

import numpy as np
import pytest
from algorithms import factorisations, functions, sums

import xcheck
from xcheck._lazy import installed, jax, torch
from xcheck.frameworks.jax import wrap

PAIRS = {pair.name: pair for pair in (*sums.PAIRS, *factorisations.PAIRS, *functions.PAIRS)}


def nothing(quantity):
    """No other quantity's reference is needed: what matters here is the outcome."""


def by_torch(way, x, dtype):
    """Each quantity with the mode in which its derivative is composed, and a function that computes it."""
    x = torch.tensor(x, dtype=getattr(torch, dtype))
    rev, fwd = torch.func.jacrev, torch.func.jacfwd

    def flat(x):
        return way(x).reshape(-1)

    yield "value", "", lambda: flat(x)
    yield "jacobian_inputs", "R", lambda: rev(flat)(x)
    yield "jacobian_inputs", "F", lambda: fwd(flat)(x)
    yield "jacobian_inputs", "autograd", lambda: torch.autograd.functional.jacobian(flat, x)
    yield "hessian_inputs", "FR", lambda: fwd(rev(flat))(x)
    yield "hessian_inputs", "RR", lambda: rev(rev(flat))(x)


def by_jax(way, x, dtype):
    x = jax.numpy.asarray(x, dtype)

    def flat(x):
        return way(x).reshape(-1)

    yield "value", "", lambda: flat(x)
    yield "jacobian_inputs", "R", lambda: wrap(jax.jacrev(flat), "jit", quick=True)(x)
    yield "hessian_inputs", "FR", lambda: wrap(jax.hessian(flat), "jit", quick=True)(x)


@cache
def computed(name, dtype):
    """The native results of each way of a pair, by framework, way, quantity and mode."""
    pair, found = PAIRS[name], {}
    for framework, compute in {"torch": by_torch, "jax": by_jax}.items():
        if not installed(framework):
            continue
        with jax.enable_x64(True) if framework == "jax" else nullcontext():
            for way, function in getattr(pair, framework).items():
                for quantity, mode, result in compute(function, pair.data, dtype):
                    if quantity in pair.quantities and mode in pair.modes:
                        found[framework, way, quantity, mode] = np.asarray(result())[None]
    return found


def judged(name, dtype, change=lambda A: A):
    """The judge's verdicts."""
    pair = PAIRS[name]
    return {
        (framework, way, quantity, mode): xcheck.judge(
            change(A), pair.case, quantity, dtype=dtype, normwise=way in pair.normwise,
            reference=pair.reference(quantity, dtype), related=nothing,
        )
        for (framework, way, quantity, mode), A in computed(name, dtype).items()
    }  # fmt: skip


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", PAIRS)
def test_another_algorithm_agrees(name, dtype):
    found = judged(name, dtype)
    if not found:
        pytest.skip("all other ways of this function are written in PyTorch")
    assert len(found) >= 2
    assert {which: verdict.text for which, verdict in found.items() if not verdict} == {}


@pytest.mark.parametrize("name", PAIRS)
def test_an_error_of_a_millionth_is_seen_in_all_of_them(name):
    def off(A):
        wrong = A.copy()
        wrong.flat[np.argmax(np.abs(A))] += 1e-6 * (np.max(np.abs(A)) or 1.0)
        return wrong

    assert [which for which, verdict in judged(name, "float64", off).items() if verdict] == []


#: Where an activation is small and float32 has all of its digits, by the place in `TAILS`; at -30 GELU has none.
DETERMINED = {"sigmoid": 0, "silu": 0, "softplus": 0, "gelu": 3, "gelu_by_tanh": 3}


@pytest.mark.parametrize("quantity", ["value", "jacobian_inputs"])
@pytest.mark.parametrize("name", DETERMINED)
def test_neither_zero_nor_half_is_right_in_a_tail_that_the_dtype_determines(name, quantity):
    pair, at = PAIRS[name], DETERMINED[name]
    truth = pair.reference(quantity, "float32")
    right = truth.value.astype(np.float32)
    assert xcheck.judge(right, pair.case, quantity, dtype="float32", reference=truth, related=nothing)
    for share in (0.0, 0.6, 0.999):
        wrong = right.copy()
        wrong[(0, at) if quantity == "value" else (0, at, at)] *= share
        assert not xcheck.judge(wrong, pair.case, quantity, dtype="float32", reference=truth, related=nothing), share


def test_what_no_honest_algorithm_determines_is_not_demanded():
    """PyTorch's GELU at -30 is 0, since 1 + erf cancels; the verdict says how many entries are decided."""
    pair = PAIRS["gelu"]
    truth = pair.reference("value", "float32")
    zero = truth.value.astype(np.float32)
    zero[0, 0] = 0.0
    found = xcheck.judge(zero, pair.case, "value", dtype="float32", reference=truth, related=nothing)
    assert found
    assert found.decided < 1
