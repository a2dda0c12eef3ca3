"""Conventions: a library's numbers in our order and our scale, and the wrong convention disagrees."""

from __future__ import annotations

import numpy as np
import pytest
from judging import reference

import xcheck
from xcheck import Case, Convention, Normal
from xcheck._convention import parameter_order
from xcheck._scale import evaluate
from xcheck.program import Linear, Sequential, Tanh, gaussian_nll

NET = Sequential(Linear(3, 2), Tanh(), Linear(2, 2))
CASE = Case(
    name="net", program=NET, params=NET.init(1), inputs={"x": Normal((5, 3), 1)},
    targets=Normal((5, 2), 2), loss=gaussian_nll(0.25), quantities=("gradient", "hessian_params", "jacobian_params"),
)  # fmt: skip
OURS = np.arange(1.0, 15.0)  # 0.weight (2, 3), 0.bias (2,), 2.weight (2, 2), 2.bias (2,)
BIAS_FIRST = OURS[[6, 7, 0, 1, 2, 3, 4, 5, 12, 13, 8, 9, 10, 11]]
COLUMNS = OURS[[0, 3, 1, 4, 2, 5, 6, 7, 8, 10, 9, 11, 12, 13]]


def agrees(theirs, convention, truth=OURS, quantity="gradient"):
    return bool(
        xcheck.judge(
            theirs, CASE, quantity, dtype="float64", convention=convention, reference=reference(truth, quantity)
        )
    )


@pytest.mark.parametrize(
    ("theirs", "convention"),
    [
        (BIAS_FIRST, Convention(params="bias_first")),
        (BIAS_FIRST, Convention(params="sorted")),
        (COLUMNS, Convention(weight="column")),
        (OURS / 4, Convention(scale="noise_var")),
        (OURS * 5, Convention(scale="n")),
        (OURS * 2 / 14, Convention(scale="2 / p")),
    ],
)
def test_convention_is_applied_and_its_absence_disagrees(theirs, convention):
    assert agrees(theirs, convention)
    assert not agrees(theirs, None)
    assert not agrees(OURS, convention)


def test_matrices_are_permuted_along_both_axes():
    H, permutation = np.outer(OURS, OURS) + np.diag(OURS), parameter_order(CASE, "sorted", "row")
    theirs = np.empty_like(H)
    theirs[np.ix_(permutation, permutation)] = H
    assert agrees(theirs, Convention(params="sorted"), H, "hessian_params")
    assert not agrees(theirs, None, H, "hessian_params")


def test_axes_of_a_jacobian():
    J = np.arange(1.0, 141.0).reshape(5, 2, 14)
    assert agrees(J.transpose(1, 0, 2), Convention(axes="cnp"), J, "jacobian_params")
    assert agrees(J.transpose(2, 0, 1), Convention(axes="pnc"), J, "jacobian_params")
    assert not agrees(J.transpose(1, 0, 2), None, J, "jacobian_params")


@pytest.mark.parametrize(
    "scale",
    [
        "__import__('os')", "n.real", "n()", "m", "1 / 0", "n +", "0", "[n]", "'n'", "10 ** 10 ** 3", "9**9**9",
        "9**9**9**9", "(-1)**0.5", "True", "1j", "n if n else 1", "n\x00", "\ud800", "(" * 100 + "1" + ")" * 100,
        "-" * 300 + "1", "9" * 5000, "1" + "+1" * 5000, "lambda: 1", "", 2, None, "1e999", "n\n+ 1",
    ],
)  # fmt: skip
def test_scales_hold_arithmetic_and_nothing_else(scale):
    with pytest.raises(xcheck.UsageError, match="convention scale"):
        evaluate(scale, {"n": 2.0})


def test_bad_conventions_are_refused_where_they_are_declared():
    for words in ({"axes": "nnp"}, {"axes": None}, {"params": "flax"}, {"weight": 3}, {"scale": "m"}, {"scale": 2}):
        with pytest.raises(xcheck.UsageError, match="convention") as refused:
            Convention(**words)
        assert "\n" not in str(refused.value)
    with pytest.raises(xcheck.UsageError, match="unknown outcome 'raisd'; did you mean 'raised'"):
        xcheck.Limitation("no rule", "https://example.org", outcome="raisd")
    with pytest.raises(xcheck.UsageError, match="the limitation's case is 3, expected text"):
        xcheck.Limitation("no rule", "https://example.org", case=3)  # type: ignore[arg-type]
