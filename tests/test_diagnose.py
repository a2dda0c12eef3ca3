"""What the diagnosis says, in words; the zoo shows that each hypothesis finds its defect."""

from __future__ import annotations

import numpy as np
import pytest
from judging import reference

import xcheck
from xcheck import Case, Literal
from xcheck._convention import parameter_order
from xcheck.arrays import rounded
from xcheck.program import Linear, Sequential, Tanh, gaussian_nll

DRAW = np.random.default_rng(3)
NET = Sequential(Linear(3, 2), Tanh(), Linear(2, 2))
QUANTITIES = ("value", "gradient", "jacobian_params", "hessian_params", "hessian_diagonal", "ggn", "hvp")
# Integers, so that everything here is exact: J and f are given, and the rest follows from them.
J = DRAW.integers(1, 9, (5, 2, 14)).astype(float)
F, Y = DRAW.integers(-9, 9, (5, 2)).astype(float), DRAW.integers(10, 20, (5, 2)).astype(float)
CASE = Case(
    name="net", program=NET, params=NET.init(1), inputs={"x": Literal(np.ones((5, 3)).tolist())},
    targets=Literal(Y.tolist()), loss=gaussian_nll(0.25), quantities=QUANTITIES,
)  # fmt: skip
EXAMPLES = np.einsum("nc,ncp->np", 4 * (F - Y), J)
G = 4 * np.einsum("ncp,ncq->pq", J, J)
CURVED = DRAW.integers(-50, 50, (14, 14)).astype(float)
H = G + CURVED + CURVED.T
V = CASE.vector("params", (14,))
RIGHT = {
    "value": F, "gradient": EXAMPLES.sum(0), "jacobian_params": J, "hessian_params": H, "hessian_diagonal": np.diag(H),
    "ggn": G, "hvp": H @ V,
}  # fmt: skip


def related(quantity):
    return reference(RIGHT[quantity], quantity, "net", scale=np.abs(RIGHT[quantity]))


def explained(actual, quantity, others=related):
    return xcheck.judge(actual, CASE, quantity, dtype="float64", reference=related(quantity), related=others).diagnosis


def claims(diagnosis):
    """The names of what is claimed; the size of an error is none."""
    return [explanation.name for explanation in diagnosis if explanation.name != "unexplained"]


def texts(actual, quantity):
    return [explanation.text for explanation in explained(actual, quantity)]


@pytest.mark.parametrize(
    ("actual", "quantity", "text"),
    [
        (2 * H, "hessian_params", "equals 2 x the reference (here also c, 1/noise_var**0.5, 1/(2*noise_var))"),
        (H / 5, "hessian_params", "equals 1/5 x the reference (here also 1/n, 2/(n*c))"),
        (G / 4, "ggn", "equals 1/4 x the reference (here also 1/(2*c), noise_var)"),
        (-H, "hessian_params", "has the opposite sign"),
        (-2 * H, "hessian_params", "equals -2 x the reference (here also c, 1/noise_var**0.5, 1/(2*noise_var))"),
        (1.7 * H, "hessian_params", "equals 1.7 x the reference"),
        (5**0.5 * H, "hessian_params", "equals n**0.5 x the reference (2.23607)"),
        (1.5 * H, "hessian_params", "equals 3/2 x the reference (here also k/(k-1) with k = 3, axis 1 of x)"),
        (1.25 * H, "hessian_params", "equals 5/4 x the reference (here also n/(n-1), n*noise_var)"),
        (G, "hessian_params", "is the GGN, not the Hessian"),
        (H, "ggn", "is the Hessian, not the GGN"),
        (G @ V, "hvp", "is the GGN times v, not the Hessian times v"),
        (EXAMPLES.T @ EXAMPLES, "ggn", "is the empirical Fisher, from the gradients of the examples"),
        (np.diag(np.diag(H)), "hessian_params", "is only the diagonal, zero elsewhere"),
        (H + 0.5 * np.eye(14), "hessian_params", "has 0.5 added to the diagonal (damping)"),
        (RIGHT["gradient"] - EXAMPLES[3], "gradient", "misses example 3 of 5"),
        (J[[0, 2, 1, 3, 4]], "jacobian_params", "has its examples exchanged: 1 holds 2, 2 holds 1"),
        (J[:, ::-1], "jacobian_params", "has its outputs in the order [1, 0]"),
    ],
)
def test_a_single_cause_is_named(actual, quantity, text):
    assert text in texts(np.array(actual), quantity)


def sorted_by_name(A):
    theirs = np.argsort(parameter_order(CASE, "sorted", "row"))
    return A[np.ix_(theirs, theirs)] if A.ndim == 2 else A[theirs]


@pytest.mark.parametrize(
    ("actual", "quantity", "name"),
    [
        (G / 5, "hessian_params", "ggn+factor"),
        (2 * sorted_by_name(H), "hessian_params", "params_order+factor"),
        (sorted_by_name(G), "hessian_params", "ggn+params_order"),
        (2 * J[::-1], "jacobian_params", "reversed_examples+factor"),
    ],
)
def test_two_causes_are_named_together(actual, quantity, name):
    assert name in [explanation.name for explanation in explained(actual, quantity)]


def test_factors_that_coincide_on_the_case_are_one_explanation():
    """c is 2 and noise_var is 1/4, so that many names are one number."""
    assert texts(4 * H, "hessian_params") == ["equals 4 x the reference (here also 2*c, 1/noise_var)"]


def test_what_is_wrong_in_one_place_is_named_there():
    off = H.copy()
    off[3, 5] += 1
    assert "1 wrong entry: [3, 5]" in texts(off, "hessian_params")
    zero = RIGHT["gradient"].copy()
    zero[6:8] = 0
    assert "is zero (detached?) in the block of 0.bias only" in texts(zero, "gradient")


def test_lower_precision_is_claimed_only_of_values_that_are_representable():
    third = reference(H / 3, "hessian_params", "net", scale=np.abs(H))
    for actual, name in (((H / 3).astype(np.float32).astype(float), "precision"), (H / 3 * (1 + 1e-8), "scaled")):
        found = xcheck.judge(actual, CASE, "hessian_params", dtype="float64", reference=third, related=lambda q: None)
        assert [explanation.name for explanation in found.diagnosis] == [name]


#: Random perturbations of each quantity, 500 in all; those whose search is long have fewer.
PERTURBED = {
    "value": 280, "gradient": 70, "jacobian_params": 70, "hessian_params": 20, "hessian_diagonal": 20, "ggn": 20,
    "hvp": 20,
}  # fmt: skip


@pytest.mark.parametrize("quantity", QUANTITIES)
def test_random_perturbations_have_no_explanation(quantity):
    """From 1e-7 of the result to a hundred times as large, relative to each entry or to the largest one."""
    R, draw = RIGHT[quantity], np.random.default_rng(list(map(ord, quantity)))
    for k, size in enumerate(np.logspace(-7, 2, PERTURBED[quantity])):
        unit = np.abs(R) if k % 2 else np.abs(R).max()
        actual = R + size * unit * draw.standard_normal(R.shape)
        found = xcheck.judge(actual, CASE, quantity, dtype="float64", reference=related(quantity), related=related)
        (said,) = found.diagnosis
        assert said.name == "unexplained" or (said.name == "rounding_size" and size < 2.0**-19), found.text
        assert said.name == "rounding_size" or "most likely  no known explanation; the error is " in found.text


@pytest.mark.parametrize("quantity", QUANTITIES)
def test_a_right_result_is_explained_by_nothing(quantity):
    assert explained(RIGHT[quantity], quantity) == ()


def test_without_other_references_their_hypotheses_are_left_out():
    assert claims(explained(G, "hessian_params", lambda quantity: None)) == []


def test_only_the_wrong_leaves_are_explained():
    truth = reference({"td_err_1": F, "td_err_2": Y, "aux/td_err_1": F}, "jacobian_aux", "td_error_aux")
    options = {"dtype": "float64", "reference": truth, "related": lambda quantity: None}
    doubled = {"td_err_1": F, "td_err_2": 2 * Y, "aux/td_err_1": F}
    found = xcheck.judge(doubled, "td_error_aux", "jacobian_aux", **options)
    assert "in td_err_2 only: equals 2 x the reference" in [explanation.text for explanation in found.diagnosis]
    stale = {"td_err_1": F, "td_err_2": Y, "aux/td_err_1": F + Y}
    found = xcheck.judge(stale, "td_error_aux", "jacobian_aux", **options)
    assert found.diagnosis[0].name == "stale_aux"


def test_many_outputs_are_no_reason_to_try_all_their_orders():
    """16 outputs have 2e13 orders; the one that sorts them is found at once."""
    wide = np.arange(1.0, 97).reshape(6, 16)
    truth = reference(wide**2, "value", "net", scale=wide**2)
    moved = (wide**2)[:, np.r_[0, 5, 2:5, 1, 6:16]]
    found = xcheck.judge(moved, CASE, "value", dtype="float64", reference=truth, related=lambda quantity: None)
    assert "has its outputs exchanged: 1 holds 5, 5 holds 1" in [e.text for e in found.diagnosis]


def test_a_case_without_parameters_is_diagnosed():
    truth = xcheck.reference("scalar_tanh", "vjp")
    found = xcheck.judge(2 * truth.value, "scalar_tanh", "vjp", dtype="float64")
    assert "equals 2 x the reference (here also 2*c, 2/c)" in [e.text for e in found.diagnosis]


def test_numbers_that_are_all_the_same_are_no_multiple_of_the_first_example():
    found = xcheck.judge(np.ones((5, 1)), "scalar_tanh", "vjp", dtype="float64")
    assert [e.name for e in found.diagnosis if e.name.endswith("+scaled")] == []


def test_a_zero_is_no_evidence_of_a_dtype():
    """Of 2915.7 and 1000 the scale is so large that 0 agrees in bfloat16, and bfloat16 holds 0 and 1000."""
    truth = reference([2915.7, *[1000.0] * 13], "hessian_diagonal", "net", scale=[69000.0, *[14000.0] * 13])
    options = {"dtype": "float64", "reference": truth, "related": lambda quantity: None}
    lost = xcheck.judge(np.array([0.0, *[1000.0] * 13]), CASE, "hessian_diagonal", **options)
    assert "precision" not in [e.name for e in lost.diagnosis]
    stored = xcheck.judge(np.array([2912.0, *[1000.0] * 13]), CASE, "hessian_diagonal", **options)
    assert "precision" in [e.name for e in stored.diagnosis]


def test_a_number_fitted_to_entries_of_one_size_is_not_claimed():
    truth = xcheck.reference("linear_gaussian_quarter", "jacobian_inputs")
    R = truth.leaves[""].value
    assert len(np.unique(R)) == 1
    assert claims(xcheck.judge(R * (1 + 1e-4), truth.case, truth.quantity, dtype="float64").diagnosis) == []


def test_entries_of_one_size_stored_in_bfloat16_are_no_multiple():
    truth = xcheck.reference("linear_gaussian_quarter", "jacobian_inputs")
    A = rounded(truth.leaves[""].value, "bfloat16")
    (found,) = xcheck.judge(A, truth.case, truth.quantity, dtype="float64").diagnosis
    assert (found.name, found.value) == ("precision", "bfloat16")


def test_absolute_values_of_positive_numbers_explain_nothing():
    truth = xcheck.reference("linear_gaussian_quarter", "hessian_trace")
    R = truth.leaves[""].value
    found = xcheck.judge(R * (1 + 2.0**-9 / 3), truth.case, truth.quantity, dtype="float32")
    assert [e.name for e in found.diagnosis if "absolute" in e.name] == []


def test_two_numbers_exchanged_with_the_other_sign_are_not_damped():
    truth = xcheck.reference("linear_gaussian_quarter", "ggn_diagonal")
    R = truth.leaves[""].value
    names = [e.name for e in xcheck.judge(-R[::-1], truth.case, truth.quantity, dtype="float64").diagnosis]
    assert "params_order+sign" in names
    assert "damping" not in names
