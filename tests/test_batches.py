"""Batches that weigh too much, or not at all, are found in every sum over the examples, whatever their size."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from zoo.planting import cell
from zoo.porting import part
from zoo.running import computed

from xcheck.diagnose._batches import LONGEST
from xcheck.exact.derivatives import Derivatives
from xcheck.exact.monte_carlo import MonteCarlo
from xcheck.quantities import load_quantities

SUMS = (
    "gradient", "hessian_params", "hessian_diagonal", "hvp", "ggn", "ggn_diagonal", "ggnvp", "empirical_fisher",
    "empirical_fisher_diagonal",
)  # fmt: skip


@cache
def of(name, quantity, start, stop):
    """The quantity of some of the examples, which the diagnosis adds up one by one."""
    case = part(cell(name, quantity, "float64").case, slice(start, stop))
    return np.asarray(load_quantities()[quantity].reference(Derivatives(case, MonteCarlo(noise=0.0), "float64"))[""])


def means(name, quantity, size):
    """The mean over each batch, with the number of its examples."""
    n = cell(name, quantity, "float64").case.n
    starts = range(0, n, size)
    return [(of(name, quantity, k, min(k + size, n)), min(size, n - k)) for k in starts]


def said(name, quantity, wrong):
    return [e.text for e in cell(name, quantity, "float64").judge({"": wrong}).diagnosis]


@pytest.mark.parametrize("quantity", SUMS)
@pytest.mark.parametrize("size", [2, 3, 4])
def test_a_mean_of_batch_means_is_found(quantity, size):
    """5 examples, so that no size divides them: the last batch has 1, 2 and 1."""
    batches = means("positions", quantity, size)
    wrong = sum(mean for mean, _ in batches) / len(batches)
    text = f"is the mean of the means of {len(batches)} batches of {size}: the last one has {batches[-1][1]}"
    assert f"{text} and weighs too much" in said("positions", quantity, wrong)


@pytest.mark.parametrize("quantity", SUMS)
@pytest.mark.parametrize("size", [2, 3, 4])
def test_a_last_batch_taken_for_a_full_one_is_found(quantity, size):
    batches = means("positions", quantity, size)
    wrong = sum(mean for mean, _ in batches) * size / 5
    text = f"takes its last batch, of {batches[-1][1]}, for one of {size}: it weighs too much"
    found = said("positions", quantity, wrong)
    assert text in found or (size == 2 and found == ["counts twice example 4 of 5"])


@pytest.mark.parametrize("quantity", SUMS)
@pytest.mark.parametrize(("size", "kept"), [(2, 4), (3, 3)])
def test_a_last_batch_that_was_dropped_is_found(quantity, size, kept):
    mean = of("positions", quantity, 0, kept)
    text = f"misses its last {'1 example' if kept == 4 else '2 examples'}, as of a batch that was dropped"
    assert f"{text}, and takes the mean over the others" in said("positions", quantity, mean)
    named = said("positions", quantity, mean * kept / 5)
    assert text in named or f"misses example {kept} of 5" in named


def test_batches_that_divide_the_examples_are_all_the_same():
    batches = means("images", "gradient", 2)
    assert cell("images", "gradient", "float64").judge({"": sum(mean for mean, _ in batches) / 2})


@pytest.mark.parametrize("quantity", ["hessian_diagonal", "ggn_diagonal"])
@pytest.mark.parametrize("size", [32, 300])
def test_the_diagonals_of_a_library_that_averages_its_batches(quantity, size):
    """1000 examples in 32 batches, the last of 8, and in 4, the last of 100, as PyTorch computes them."""
    pytest.importorskip("torch")
    here = cell("tanh_mlp", quantity, "float64")
    n = here.case.n
    parts = [part(here.case, slice(k, k + size)) for k in range(0, n, size)]
    found = [computed(one, quantity, "torch", "float64", like=here.case)[""] for one in parts]
    assert n % size <= LONGEST
    assert here.case.loss.reduction == "mean"
    wrong = sum(found) / len(parts)
    expected = f"is the mean of the means of {len(parts)} batches of {size}: the last one has {n % size}"
    assert f"{expected} and weighs too much" in said("tanh_mlp", quantity, wrong)
