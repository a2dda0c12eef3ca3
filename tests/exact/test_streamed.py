"""The diagonals that are made an example at a time are those that are made from the whole Jacobian."""

from __future__ import annotations

import pytest

import xcheck
from xcheck._errors import NoReference
from xcheck.exact.balls import Balls, precision
from xcheck.exact.derivatives import Derivatives, examples, streamed
from xcheck.exact.monte_carlo import MonteCarlo
from xcheck.exact.probe import Probe, overlap
from xcheck.quantities import load_quantities

DIAGONALS = ("ggn_diagonal", "empirical_fisher_diagonal")


def made(case, quantity, bits=128):
    with precision(bits):
        return load_quantities()[quantity].reference(Derivatives(case, Balls()))[""]


@pytest.mark.parametrize("name", ["embedding", "frozen_middle", "linear_gaussian_3_2", "layer_norm"])
@pytest.mark.parametrize("quantity", DIAGONALS)
def test_streamed_diagonals_overlap_those_of_the_whole_jacobian(name, quantity, monkeypatch):
    case = xcheck.load_cases()[name]
    whole = made(case, quantity)
    monkeypatch.setattr(streamed, "HELD", 0)
    parts = made(case, quantity)
    assert whole.shape == parts.shape
    assert all(a.overlaps(b) for a, b in zip(whole, parts, strict=True))
    with precision(256):
        assert not overlap(load_quantities()[quantity].guard(Probe(case), {"": parts}))


def test_a_program_with_terms_across_examples_is_refused_and_the_guard_sees_it(monkeypatch):
    """What one example contributes by itself is wrong where batch statistics join them."""
    monkeypatch.setattr(streamed, "HELD", 0)
    case = xcheck.load_cases()["batch_norm_train"]
    with pytest.raises(NoReference, match="outputs depend on several examples"):
        made(case, "ggn_diagonal")
    monkeypatch.setattr(examples, "_mixing", lambda case, dtype: None)
    parts = made(case, "ggn_diagonal")
    with precision(256):
        assert overlap(load_quantities()["ggn_diagonal"].guard(Probe(case), {"": parts}))


def test_only_large_jacobians_are_streamed():
    """A reference that is shipped keeps its rule, and with it its scale."""
    large = {
        case.name
        for case in xcheck.load_cases().values()
        if set(DIAGONALS) & set(case.quantities) and Derivatives(case, MonteCarlo(noise=0.0))._large
    }
    assert large == {"deep_mlp_diagonals"}
