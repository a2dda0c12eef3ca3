"""What nothing explains is given by its size and its place, and never called rounding of a coarser dtype."""

from __future__ import annotations

import numpy as np
import pytest
from judging import reference
from zoo.planting import cell

import xcheck
from xcheck.arrays import rounded


def said(here, wrong):
    (found,) = here.judge(wrong).diagnosis
    return found


def noise(A, size, seed=1):
    return A + size * np.abs(A) * np.random.default_rng(seed).standard_normal(A.shape)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("size", [1e-4, 3e-4, 1e-3, 4e-3, 1e-2, 8e-2, 0.27])
@pytest.mark.parametrize("where", ["positions/jvp", "tanh_mlp_regression/gradient", "images/hessian_diagonal"])
def test_no_error_has_the_size_of_a_coarse_rounding(where, size, dtype):
    """A mean of means is 8 % off, a missing bias 27 %, a wrong JVP 28 %: none of them is bfloat16's rounding."""
    here = cell(*where.split("/"), dtype)
    found = said(here, {path: noise(A, size).astype(dtype) for path, A in here.exact.leaves.items()})
    assert found.name == "unexplained"
    assert "rounding" not in found.text
    assert size / 3 < found.value < 3 * size


@pytest.mark.parametrize(
    ("size", "dtype", "name"),
    [
        (1e-10, "float64", "unexplained"), (1e-7, "float64", "rounding_size"), (5e-7, "float64", "rounding_size"),
        (1e-5, "float64", "unexplained"), (1e-4, "float32", "unexplained"),
    ],
)  # fmt: skip
def test_only_what_is_as_small_as_float32_rounding_is_said_to_be(size, dtype, name):
    here = cell("positions", "gradient", dtype)
    assert said(here, {path: noise(A, size).astype(dtype) for path, A in here.exact.leaves.items()}).name == name


def test_one_entry_far_beyond_is_no_rounding_of_float32():
    """As a whole it is as small, since the entry is."""
    here = cell("positions", "gradient", "float64")
    g = here.exact.leaves[""]
    wrong = g + 1e-7 * np.abs(g) * np.random.default_rng(1).standard_normal(g.shape)
    k = int(np.argmin(np.abs(g)))
    wrong[k] += 1e-6 * np.linalg.norm(g)
    assert said(here, {"": wrong}).name == "unexplained"


def changed(A, *index):
    """Every entry there gets an error of its own."""
    A = np.array(A)
    A[index] += np.max(np.abs(A)) * (1 + np.random.default_rng(1).random(A[index].shape))
    return A


ALL = slice(None)


@pytest.mark.parametrize(
    ("where", "index", "place"),
    [
        ("positions/hessian_params", (3,), "in row 3 (of 0.weight) only"),
        ("positions/hessian_params", (ALL, 4), "in column 4 (of 0.weight) only"),
        ("positions/jacobian_params", (ALL, 5), "in output 5 only"),
        ("positions/jacobian_params", (ALL, ALL, slice(0, 7)), "in the parameters of 0.weight, 0.bias only"),
        (
            "positions/hessian_params",
            (slice(9, 21), slice(21, 25)),
            "in the rows of 2.weight only, in column 21, 22, 23, 24 (of 2.bias) only",
        ),
        ("positions/jacobian_inputs", (ALL, ALL, [1, 4]), "in input entry 1, 4 only"),
        ("images/value", (ALL, ALL, 1), "in output along axis 2, 1 only"),
        ("positions/hessian_params", (slice(0, 20),), "spread over all entries"),
    ],
)
def test_the_place_of_an_error_is_told(where, index, place):
    """Each along an axis, where no hypothesis looks: all in one, and the size beside it."""
    here = cell(*where.split("/"), "float64")
    found = xcheck.diagnose._unexplained.unexplained(evidence_of(here, changed(here.exact.leaves[""], *index)))
    assert found.text.startswith("no known explanation; the error is ")
    assert found.text.endswith(place), found.text


def evidence_of(here, actual):
    quantity = xcheck._reference.find_quantity(here.quantity)
    return xcheck.diagnose._hypothesis.Evidence(
        {"": actual}, here.reference, here.dtype, here.case, quantity, here.exact.related
    )


def test_the_leaf_is_told_and_the_size_is_that_of_all_leaves():
    R = np.array([3.0, 5.0, 7.0, 11.0])
    truth = reference({"a": R, "b": 100 * R}, "value", "linear_gaussian_3_2")
    wrong = {"a": R + np.array([0.5, -0.25, 1.0, 0.75]), "b": 100 * R}
    found = xcheck.judge(
        wrong, "linear_gaussian_3_2", "value", dtype="float64", reference=truth, related=lambda name: None
    )
    (explanation,) = found.diagnosis
    assert explanation.text.startswith("no known explanation; the error is 0.00091 of the largest entry, ")
    assert ", in a only" in explanation.text


def test_a_reference_of_zeros_has_no_relative_error():
    truth = reference(np.zeros(4), "value", "linear_gaussian_3_2", scale=np.ones(4))
    options = {"dtype": "float64", "reference": truth, "related": lambda name: None}
    found = xcheck.judge(np.array([0.5, -0.25, 1.0, 0.75]), "linear_gaussian_3_2", "value", **options)
    assert "the error is 1, where the reference is 0 everywhere" in found.text


def test_numbers_of_few_bits_are_no_evidence_of_bfloat16_where_the_right_ones_are_such():
    """Whole numbers, 1 % off: bfloat16 holds the wrong ones, and the right ones just as well."""
    R = np.arange(64.0, 128, 2)
    wrong = R + np.random.default_rng(2).choice([-1.0, 1.0], R.shape)
    assert np.array_equal(rounded(wrong, "bfloat16"), wrong)
    options = {"dtype": "float64", "related": lambda name: None}
    truth = reference(R, "value", "linear_gaussian_3_2")
    found = xcheck.judge(wrong, "linear_gaussian_3_2", "value", reference=truth, **options)
    assert "bfloat16" not in found.text
    third = reference(R / 3, "value", "linear_gaussian_3_2")
    found = xcheck.judge(rounded(R / 3, "bfloat16"), "linear_gaussian_3_2", "value", reference=third, **options)
    assert [e.name for e in found.diagnosis] == ["precision"]
