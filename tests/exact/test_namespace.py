"""What the exact namespace refuses, it refuses in one line that says what to do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from xcheck import Case, Literal, Normal
from xcheck._errors import CaseError, UnknownPrimitive, UsageError
from xcheck.exact.balls import Balls
from xcheck.exact.derivatives import Derivatives
from xcheck.exact.monte_carlo import MonteCarlo
from xcheck.exact.namespace import Array, Namespace

XP = Namespace(Balls())


def test_an_unknown_function_is_named() -> None:
    with pytest.raises(UnknownPrimitive, match=r"no xp\.fft; add it to xcheck/exact/namespace/"):
        _ = XP.fft
    with pytest.raises(UnknownPrimitive, match=r"no xp\.nn\.mish; add it to a family in xcheck/exact/nn/"):
        _ = XP.nn.mish


@pytest.mark.parametrize("formula", ["ij,jk", "ii->i", "ij,jk,kl->il", "ij->ij", "ijk,jk->i", "i,jk->i", "ij,jk->iz"])
def test_einsum_says_what_it_expects(formula: str) -> None:
    with pytest.raises(UsageError, match="einsum"):
        XP.nn.einsum(formula, XP.asarray(np.ones((2, 2))), XP.asarray(np.ones((2, 2))))


def test_einsum_names_shapes_that_do_not_fit() -> None:
    with pytest.raises(UsageError, match=r"'ij,jk->ik' does not fit arrays of shapes \(2, 3\), \(2, 1\)"):
        XP.nn.einsum("ij,jk->ik", XP.asarray(np.ones((2, 3))), XP.asarray(np.ones((2, 1))))


def test_a_program_that_returns_no_array_of_xp_is_named() -> None:
    case = Case(
        name="outside",
        program=lambda xp, params, inputs: np.ones((2, 1)),
        params={"w": Literal((1.0,))},
        inputs={"x": Literal(((1.0,), (2.0,)))},
    )
    with pytest.raises(CaseError, match="case outside: output 'output' is a ndarray"):
        Derivatives(case, Balls()).value()


def numpy_twin(function: Any, *arrays: np.ndarray) -> tuple[Any, Any]:
    """A function in plain float64 through the namespace, and with NumPy itself."""
    xp = Namespace(MonteCarlo(noise=0.0))
    return function(xp, *(Array(xp, a) for a in arrays)).value, function(np, *arrays)


A, B = (Normal((2, 3, 4), seed=k).make() for k in (1, 2))


@pytest.mark.parametrize(
    "function",
    [
        lambda xp, a, b: a[..., 1] + b[0, :, ::2][:, 0],
        lambda xp, a, b: xp.concat([a, b], axis=-1),
        lambda xp, a, b: xp.stack([a, b], axis=1),
        lambda xp, a, b: xp.squeeze(xp.expand_dims(a, axis=1), axis=1),
        lambda xp, a, b: xp.moveaxis(a, 0, 2),
        lambda xp, a, b: xp.matrix_transpose(a),
        lambda xp, a, b: xp.flip(a, axis=1),
        lambda xp, a, b: xp.max(a, axis=(0, 2)),
        lambda xp, a, b: xp.min(a, axis=1, keepdims=True),
        lambda xp, a, b: xp.reshape(a, (3, -1)),
        lambda xp, a, b: abs(a) - (2.0 - a) - (-a),
        lambda xp, a, b: xp.where(a > b, a, b),
        lambda xp, a, b: xp.where(a <= b, a, b),
        lambda xp, a, b: xp.clip(a, min=-0.5, max=0.25),
        lambda xp, a, b: xp.broadcast_to(a, (5, 2, 3, 4)),
    ],
)  # fmt: skip
def test_structure_is_that_of_numpy(function: Any) -> None:
    found, expected = numpy_twin(function, A, B)
    assert np.array_equal(found, expected)
