"""Losses: r, the sum over outputs, and PyTorch's own loss beside ours, on integers that both compute exactly."""

from __future__ import annotations

import numpy as np
import pytest

from xcheck import CaseError
from xcheck._lazy import torch
from xcheck.program import Loss, cross_entropy, gaussian_nll, mse, weighted_sum

OUTPUT = np.array([[1.0, 4.0], [-2.0, 0.0], [3.0, 8.0], [0.0, -1.0]])
TARGETS = np.array([[0.0, 2.0], [1.0, 0.0], [3.0, 4.0], [-2.0, 1.0]])


@pytest.mark.parametrize(
    ("loss", "total"),
    [
        (mse("sum"), 1 + 4 + 9 + 0 + 0 + 16 + 4 + 4),
        (mse("mean"), 38 / 8),
        (gaussian_nll(1.0), 38 / 2),
        (gaussian_nll(0.25), 38 * 2),
        (weighted_sum(), 8 - 2 + 0 + 9 + 32 + 0 - 1),
    ],
)
def test_scaling(loss, total):
    """The mean divides by n c = 8, and a Gaussian with variance 1/4 has the factor 2."""
    assert loss(np, OUTPUT, TARGETS) == total
    assert loss.torch()(torch.tensor(OUTPUT), torch.tensor(TARGETS)).item() == total


def test_terms_of_the_examples_sum_to_the_loss():
    for loss in (mse("mean"), mse("sum"), gaussian_nll(0.5)):
        terms = loss.per_example(np, OUTPUT, TARGETS)
        assert terms.shape == (4,)
        assert terms.sum() / loss.divisor(OUTPUT.shape) == loss(np, OUTPUT, TARGETS)


def test_cross_entropy_divides_by_the_examples_alone():
    assert cross_entropy("mean").divisor((20, 3)) == 20
    assert cross_entropy("sum").divisor((20, 3)) == 1
    assert mse("mean").divisor((20, 3)) == 60


def test_cross_entropy_of_equal_logits_is_log_c():
    from xcheck.frameworks.torch import xp

    logits, labels = torch.zeros((4, 2), dtype=torch.float64), torch.tensor([0, 1, 1, 0])
    assert cross_entropy("sum")(xp, logits, labels).item() == 4 * np.log(2.0)
    assert cross_entropy("sum").torch()(logits, labels).item() == 4 * np.log(2.0)


def test_an_unknown_reduction_is_refused():
    with pytest.raises(CaseError, match=r"reduction 'none' is not one of \"mean\", \"sum\""):
        mse("none")


def test_a_loss_without_its_formula_says_so():
    with pytest.raises(TypeError, match="Loss states no per_example"):
        Loss()(np, OUTPUT, TARGETS)
    with pytest.raises(TypeError, match="Loss states no torch"):
        Loss().torch()
