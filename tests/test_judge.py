"""The judge: one threshold for every dtype, each rule shown to fail on a planted fault."""

from __future__ import annotations

import numpy as np
import pytest
from judging import leaf, reference

import xcheck
from xcheck import Outcome
from xcheck._checks import positive_semidefinite, symmetry
from xcheck._dtypes import SMALLEST, UNIT
from xcheck._judge import distance, rounding_scale

R = np.array([3.0, -7.0, 1024.0])


def no_others(quantity):
    """These references are of no case, so that nothing else explains them."""


def verdict(actual, truth=None, *, dtype="float64", case="linear_gaussian", quantity="gradient", **options):
    truth = reference(R) if truth is None else truth
    return xcheck.judge(actual, case, quantity, dtype=dtype, reference=truth, related=no_others, **options)


@pytest.mark.parametrize("dtype", ["float64", "float32", "tf32"])
def test_threshold_is_32_units_of_rounding(dtype):
    """32 u S passes, 33 u S does not; a long vector of ones keeps ratio_F out of the way."""
    one, stored = np.ones(4096), "float64" if dtype == "float64" else "float32"
    u = UNIT[dtype]
    for units, agrees in ((0, True), (32, True), (34, False)):
        A = one.copy()
        A[7] += units * u
        found = verdict(A.astype(stored), reference(one), dtype=dtype)
        assert found.ratio == units
        assert bool(found) is agrees


def test_frobenius_ratio_catches_what_each_entry_hides():
    """3 u S in every one of 4096 entries: each is far below 32, together they are above 2."""
    one = np.ones(4096)
    assert verdict(one * (1 + 2 * 2.0**-53), reference(one))
    assert not verdict(one * (1 + 4 * 2.0**-53), reference(one))
    assert verdict(one * (1 + 4 * 2.0**-53), reference(one)).ratio == 4


def test_frobenius_limit_is_loose_where_few_entries_carry_the_scale():
    assert distance(R, leaf(R), "float64").limit_F > 30
    assert distance(np.ones(10_000), leaf(np.ones(10_000)), "float64").limit_F == 2


def test_scale_is_floored_at_the_value_and_at_the_smallest_normal():
    S = rounding_scale(leaf([5.0, 0.0, 0.0], scale=[1.0, 0.0, 1e-320]), "float32")
    assert S.tolist() == [5.0, 0.0, SMALLEST["float32"] / UNIT["float32"]]


def test_entries_without_scale_must_be_exact():
    truth = reference([1.0, 0.0])
    assert verdict(np.array([1.0, -0.0]), truth)
    off = verdict(np.array([1.0, 1e-300]), truth)
    assert off.ratio == np.inf
    assert "must be exact" in off.text


def test_radius_and_low_part_of_the_reference_count():
    one = np.ones(4096)
    A = one.copy()
    A[5] += 2.0**-47
    assert not verdict(A, reference(one))
    assert verdict(A, reference(one, radius=2.0**-47))
    assert verdict(one * (1 + 2.0**-47), reference(one, low=2.0**-47))


def test_not_finite_names_the_entry():
    found = verdict(np.array([3.0, np.nan, 1024.0]))
    assert (found.outcome, found.worst.index, found.worst.actual) == (Outcome.NOT_FINITE, [1], "nan")
    assert verdict(np.array([3.0, np.inf, 1024.0])).outcome is Outcome.NOT_FINITE


def test_infinities_of_the_reference_itself_are_right():
    truth = reference([1.0, np.inf], scale=[1.0, 1.0])
    assert verdict(np.array([1.0, np.inf]), truth)
    assert not verdict(np.array([1.0, -np.inf]), truth)
    assert not verdict(np.array([1.0, 2.0]), truth)


def test_wrong_shape_names_got_and_expected():
    found = verdict(R[None])
    assert found.outcome is Outcome.WRONG_SHAPE
    assert "has shape (1, 3), expected (3,)" in found.text


@pytest.mark.parametrize(
    ("actual", "named"),
    [({"a": R}, "lacks 'b'"), ({"a": R, "b": R, "z": R}, "has 'z'"), (R, "lacks 'a', 'b' and has the array")],
)
def test_missing_and_extra_paths_are_named(actual, named):
    found = verdict(actual, reference({"a": R, "b": R}))
    assert found.outcome is Outcome.WRONG_SHAPE
    assert named in found.text


@pytest.mark.parametrize(
    ("actual", "dtype", "named"),
    [
        (R.astype(np.float32), "float64", "of dtype float32, expected an array of dtype float64"),
        (R, "float32", "of dtype float64, expected an array of dtype float32"),
        (R, "tf32", "expected an array of dtype float32"),
        (R.astype(complex), "float64", "of dtype complex128"),
        (None, "float64", "a NoneType"),
    ],
)
def test_wrong_dtype_names_got_and_expected(actual, dtype, named):
    found = verdict(actual, dtype=dtype)
    assert found.outcome is Outcome.WRONG_DTYPE
    assert named in found.text


def test_arrays_of_the_frameworks_are_received():
    torch, jnp = pytest.importorskip("torch"), pytest.importorskip("jax.numpy")
    assert verdict(torch.tensor(R, requires_grad=True))
    assert verdict(torch.tensor(R, dtype=torch.bfloat16), dtype="bfloat16")
    assert verdict(jnp.asarray(R, dtype="float32"), dtype="float32")
    assert verdict(jnp.asarray(R, dtype="bfloat16"), dtype="bfloat16")


def test_a_branch_within_rounding_leaves_nothing_to_judge_by():
    near = reference(R, margin=2.0**-20)
    assert verdict(R, near)
    found = verdict(2 * R.astype(np.float32), near, dtype="float32")
    assert found.outcome is Outcome.NO_REFERENCE
    assert "within 16 u of a branch" in found.text


def test_a_convention_is_no_certificate():
    assert "the reference is a convention, not certified" in verdict(R, reference(R, status="convention")).text


def test_worst_leaf_is_named_under_its_path():
    found = verdict({"a": R, "b": np.array([3.0, -7.0, 1025.0])}, reference({"a": R, "b": R}))
    assert (found.worst.path, found.worst.index, found.worst.expected, found.worst.actual) == ("b", [2], 1024.0, 1025.0)


def test_message_says_all_that_its_reader_needs():
    found = verdict(np.array([3.0, -7.0, 1025.0]), reproduce="xcheck explain linear_gaussian/gradient/mine/float64/cpu")
    assert found.text.splitlines() == [
        "disagrees: linear_gaussian/gradient in float64: ratio 8.8e+12 (limit 32), ratio_F 8.8e+12 (limit 32)",
        "  worst entry  [2]: expected 1024.0, got 1025.0 (1.00098 x); off by 8.8e+12 units of u S = 1.14e-13",
        "  most likely  1 wrong entry: [2]",
        "  reproduce    xcheck explain linear_gaussian/gradient/mine/float64/cpu",
    ]


def test_a_right_result_above_10_is_warned_of():
    one = np.ones(4096)
    A = one.copy()
    A[0] += 16 * 2.0**-53
    found = verdict(A, reference(one))
    assert found
    assert found.checks["ratio"] == "warn: 16 is above 10"
    assert "warn" in found.text


def test_check_raises_with_the_full_message():
    with pytest.raises(xcheck.Mismatch, match=r"(?s)worst entry .*most likely .*reproduce"):
        xcheck.check(2 * R, "linear_gaussian", "gradient", dtype="float64", reference=reference(R), related=no_others)
    assert xcheck.check(R, "linear_gaussian", "gradient", dtype="float64", reference=reference(R))


def test_decided_share_counts_what_the_dtype_determines():
    truth = reference([1.0, 1.0, 0.0, 0.0], scale=[1.0, 2.0**20, 1.0, 0.0])
    assert verdict(np.array([1.0, 1.0, 0.0, 0.0]), truth).decided == 2 / 3
    assert verdict(np.array([1.0, 1.0, 0.0, 0.0], np.float32), truth, dtype="float32").decided == 1 / 3
    assert verdict(np.array([1.0, 1.0, 0.0, 0.0]), truth).nonzero == 0.5


def test_unknown_names_get_one_clear_line():
    with pytest.raises(xcheck.UsageError, match="did you mean 'tanh_mlp'"):
        verdict(R, case="tanh_mpl")
    with pytest.raises(xcheck.UsageError, match="did you mean 'gradient'"):
        verdict(R, quantity="gradeint")
    with pytest.raises(xcheck.UsageError, match="unknown dtype 'float16'"):
        verdict(R, dtype="float16")


G = np.array([[4.0, 2.0], [2.0, 1.0]])
SKEW = np.array([[4.0, 2.0 + 1e-10], [2.0, 1.0]])


def test_symmetry_line():
    assert symmetry(G, leaf(G), "float64") == "ok"
    assert "at [0, 1]" in symmetry(SKEW, leaf(G), "float64")


def test_positive_semidefinite_line():
    assert positive_semidefinite(G, leaf(G), "float64") == "ok"
    assert "least eigenvalue is -1e-10" in positive_semidefinite(G - 1e-10 * np.eye(2), leaf(G), "float64")


def test_lines_appear_in_the_verdict_of_the_quantities_that_ask_for_them():
    assert verdict(G, reference(G, "ggn"), quantity="ggn").checks == {"symmetry": "ok", "psd": "ok"}
    found = verdict(SKEW, reference(G, "ggn"), quantity="ggn")
    assert "symmetry     not symmetric" in found.text
