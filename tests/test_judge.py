"""The judge: one threshold for every dtype, each rule shown to fail on a planted fault."""

from __future__ import annotations

import numpy as np
import pytest
from judging import R, leaf, no_others, reference, verdict

import xcheck
from xcheck import Outcome
from xcheck._checks import positive_semidefinite, symmetry
from xcheck._dtypes import SMALLEST, UNIT
from xcheck._judge import distance, rounding_scale
from xcheck._lazy import installed
from xcheck.quantities import load_quantities
from xcheck.quantity import implementations
from xcheck.run.plan import parse_id
from xcheck.run.settings import Settings
from xcheck.run.work import work


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


def test_an_error_that_all_entries_share_is_warned_of():
    """4 u S in every one of 4096 entries: independent errors would keep ratio_F below 2. A sum that all entries share
    errs like that, so the result agrees."""
    one = np.ones(4096)
    assert "ratio_F" not in verdict(one * (1 + 2 * 2.0**-53), reference(one)).checks
    found = verdict(one * (1 + 4 * 2.0**-53), reference(one))
    assert found
    assert (found.ratio, found.ratio_F) == (4, 4)
    assert found.checks["ratio_F"] == "warn: 4 is above 2: one error shared by all entries"
    assert "one error shared by all entries" in found.text


def test_an_error_of_few_entries_is_no_shared_one():
    assert distance(R, leaf(R), "float64").warn_F > 30
    assert distance(np.ones(10_000), leaf(np.ones(10_000)), "float64").warn_F == 2


def test_normwise_results_are_judged_by_the_norm_alone():
    """An entry of 1 among entries of 1000 may err by a thousandth of what the norm is held to, and not by all of it."""
    truth = reference(np.array([1.0] + 63 * [1000.0]))
    for units, agrees in ((1000.0, True), (300_000.0, False)):
        A = truth.value.copy()
        A[0] += units * 2.0**-53
        assert verdict(A, truth).outcome is Outcome.DISAGREES
        found = verdict(A, truth, normwise=True)
        assert bool(found) is agrees
        assert "normwise stable only: not judged" in found.text
        assert found.resolution[0] == found.resolution[1] * np.linalg.norm(truth.value) / 1000


@pytest.mark.skipif(not installed("torch"), reason="the implementations are written in PyTorch")
@pytest.mark.parametrize("normwise", [True, False])
def test_an_implementation_that_is_only_normwise_stable_says_so(monkeypatch, normwise):
    """It errs by 640 u S in the entry of the smallest scale."""
    load_quantities()
    right = implementations("gradient")["torch_grad"].function
    S = xcheck.reference("tanh_mlp", "gradient").scale
    monkeypatch.setattr("xcheck.quantity._IMPLEMENTATIONS", {})

    @xcheck.implements("gradient", "other", "torch", normwise=normwise)
    def other(problem):
        found = right(problem).clone()
        found[int(np.argmin(S))] += 640 * 2.0**-53 * float(np.min(S))
        return found

    result = work((parse_id("tanh_mlp/gradient/torch_other/float64/cpu"), Settings()))
    assert result.outcome is (Outcome.AGREES if normwise else Outcome.DISAGREES)
    assert result.ratio > 600
    assert len(result.resolution) == 2
    assert all(32 * 2.0**-53 <= seen < 1e-10 for seen in result.resolution)


def test_scale_is_floored_at_the_value_and_at_the_smallest_normal():
    S = rounding_scale(leaf([5.0, 0.0, 0.0], scale=[1.0, 0.0, 1e-320]), "float32")
    assert S.tolist() == [5.0, 0.0, SMALLEST["float32"] / UNIT["float32"]]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_structural_zeros_are_held_to_the_largest_scale(dtype):
    """Another algorithm reaches a zero by cancellation: 31 u max S passes, 34 does not, and the verdict tells."""
    u, few = UNIT[dtype], np.array([8.0, 1.0, 0.0, 0.0])
    for units, agrees in ((0, True), (31, True), (34, False)):
        A = few + np.array([0.0, 0.0, 8 * units * u, 0.0])
        found = verdict(A.astype(dtype), reference(few), dtype=dtype)
        assert bool(found) is agrees
        assert found.ratio == units
        said = f"note: 1 of 2 are not 0, the largest {units} u max S" if units else None
        assert found.checks.get("structural_zeros") == said
    assert "34 units of u max S" in found.text
    assert not verdict(np.array([8, 1 + 34 * u, 0, 0], dtype), reference(few), dtype=dtype), "S > 0 is held to its own"


def test_a_wrong_entry_in_structural_zeros_does_not_slip_through():
    found = verdict(np.array([1.0, 1e-10]), reference([1.0, 0.0]))
    assert found.outcome is Outcome.DISAGREES
    assert 8e5 < found.ratio < 1e6


def test_an_array_without_any_scale_must_be_exact():
    truth = reference({"a": [1.0, 2.0], "b": [0.0, 0.0]})
    assert verdict({"a": np.array([1.0, 2.0]), "b": np.array([0.0, -0.0])}, truth)
    off = verdict({"a": np.array([1.0, 2.0]), "b": np.array([0.0, 1e-300])}, truth)
    assert off.ratio == np.inf
    assert "every entry must be exact" in off.text


def test_separate_lines_hold_structural_zeros_as_the_ratio_does():
    """`|x|^2` in another basis: zeros of its Hessian are cancelled, and it is not symmetric, not exact, and right."""
    truth = leaf(np.eye(64))
    A = truth.value + np.random.default_rng(0).normal(0, 2.0**-53, (64, 64))
    assert distance(A, truth, "float64").agrees
    assert symmetry(A, truth, "float64") == "ok"
    assert positive_semidefinite(A, truth, "float64") == "ok"
    off = A + np.outer(np.eye(64)[0], 1e-10 * np.eye(64)[1])
    assert "not symmetric" in symmetry(off, truth, "float64")


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
        "  resolution   an error of 3.6e-15 of the largest entry, 3.6e-15 of the norm, is seen",
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


def test_every_verdict_says_what_it_would_have_seen():
    """A sum of a million terms in float32 does not see a thousand that are missing; float64 does."""
    truth = reference([1.0, 0.5], scale=[4096.0, 1.0])
    found = verdict(np.array([1.0, 0.5], np.float32), truth, dtype="float32")
    entry, whole = found.resolution
    assert entry == 32 * 2.0**-24 * 4096
    assert 0.8 * entry < whole < entry
    assert "an error of 0.0078 of the largest entry, 0.007 of the norm, is seen" in found.text
    assert "judge in float64 too" in found.text
    double = verdict(np.array([1.0, 0.5]), truth)
    assert double.resolution[0] == 32 * 2.0**-53 * 4096
    assert "judge in float64 too" not in double.text
    assert verdict(np.array([1.0, 0.0]), truth).resolution == double.resolution, "it is the reference's, right or wrong"


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("factor", [0.9, 1.1])
def test_an_error_above_the_resolution_is_seen_and_one_below_is_not(dtype, factor):
    truth = reference([1024.0, 3.0], scale=[2.0**16, 3.0])
    entry, _ = verdict(np.array([1024.0, 3.0], dtype), truth, dtype=dtype).resolution
    assert bool(verdict(np.array([1024.0 * (1 + factor * entry), 3.0], dtype), truth, dtype=dtype)) is (factor < 1)


def test_nothing_is_resolved_of_a_reference_that_is_zero():
    found = verdict(np.zeros(2), reference([0.0, 0.0]))
    assert found.resolution is None
    assert "resolution" not in found.text


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


def test_a_verdict_prints_its_text_and_shows_itself_in_a_few_words():
    verdict = xcheck.judge(np.zeros(2), "linear_gaussian", "gradient", dtype="float64")
    assert str(verdict) == verdict.text
    assert str(verdict).startswith("disagrees: linear_gaussian/gradient in float64: ratio ")
    assert repr(verdict) == f"<verdict disagrees, ratio {verdict.ratio:.3g}>"
