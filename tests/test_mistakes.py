"""What went wrong inside a program, and finite differences, are named; what is honest, or noise, never is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from zoo import ZOO
from zoo.planting import cell, plant

import xcheck
from xcheck.diagnose._differences import on_grid
from xcheck.diagnose._hypothesis import Evidence
from xcheck.diagnose._mistake import with_program
from xcheck.diagnose._programs import mistakes, programs
from xcheck.diagnose._rerun import rerun

#: A defect of the zoo, where it is planted, and the words that must be said of it.
SAID = (
    (
        "tanh_of_low_order",
        "tanh_mlp_regression/gradient",
        "has the fraction x (27 + x^2) / (27 + 9 x^2) in place of tanh",
    ),
    ("tanh_with_slope_1_minus_y", "residual/gradient", "takes 1 - y for the slope of tanh, not 1 - y^2"),
    (
        "tanh_with_constant_slope",
        "residual/hvp",
        "takes the slope of tanh for a constant: its second derivative is missing",
    ),
    ("relu_leaks", "relu/jvp", "has a leaky ReLU of slope 0.01 in place of the ReLU"),
    ("layer_norm_of_large_eps", "layer_norm/vjp", "has a layer_norm whose eps is 0.001"),
    ("batch_variance_unbiased", "batch_norm_train/hvp", "has a variance with Bessel's correction, n - 1 in place of n"),
    (
        "batch_statistics_detached",
        "batch_norm_train/hvp",
        "treats the batch statistics as constants: they are detached",
    ),
    (
        "batch_statistics_of_evaluation",
        "batch_norm_train/value",
        "has other statistics in its batch normalisation: those of evaluation (frozen)",
    ),
    (
        "batch_statistics_of_training",
        "batch_norm_eval/hvp",
        "has other statistics in its batch normalisation: those of the batch, as in training",
    ),
    ("shared_weight_counted_once", "shared_linear/hvp", "treats a shared weight as two, with its first place left out"),
    (
        "shared_weight_counted_twice",
        "shared_linear/ggn",
        "treats a shared weight as two, with its first place counted twice",
    ),
    ("tanh_without_first_unit", "residual/gradient", "is that of the program with unit 0 dropped after tanh"),
    ("biases_forgotten", "tanh_mlp_regression/hvp", "is that of the program without its biases"),
    ("square_weights_transposed", "residual/jvp", "is that of the program with its square weights transposed"),
    ("misaligned_targets", "tanh_mlp_regression/gradient", "gives example k the target of example k - 1"),
    ("critic_detached", "td_error/jvp", "treats states and actions as constant: detached from the graph"),
    (
        "argument_order",
        "td_error_states_actions/value",
        "is that of the program with its inputs states and actions exchanged",
    ),
    ("central_difference_1e-6", "residual/hvp", "is a finite difference, (f(x + h) - f(x - h)) / 2h with h = 1e-06"),
    (
        "forward_difference_1e-4",
        "convolution/gradient",
        "is a finite difference, (f(x + h) - f(x)) / h with h = 0.0001",
    ),
)


def planted(defect, where, dtype="float64"):
    (made,) = (one for one in ZOO if one.name == defect)
    here = cell(*where.split("/"), dtype)
    return here, plant(made, here).wrong


@pytest.mark.parametrize(("defect", "where", "text"), SAID, ids=[f"{name}-{where}" for name, where, _ in SAID])
def test_a_mistake_in_the_program_is_said_in_words(defect, where, text):
    here, wrong = planted(defect, where)
    assert any(explanation.text.startswith(text) for explanation in here.judge(wrong).diagnosis)


def evidence(here, actual):
    leaves = {path: np.float64(A) for path, A in actual.items()}
    quantity = xcheck._reference.find_quantity(here.quantity)
    return Evidence(leaves, here.reference, here.dtype, here.case, quantity, here.exact.related)


@pytest.mark.parametrize("where", ["residual/hvp", "batch_norm_train/hvp", "shared_linear/ggn", "relu/gradient"])
def test_every_mistake_that_is_offered_can_be_computed_and_changes_the_result(where):
    """A hypothesis that raises, or does nothing, would never be seen."""
    here = cell(*where.split("/"), "float64")
    asked = evidence(here, here.exact.leaves)
    offered = list(mistakes(asked))
    assert len({mistake.text for mistake in offered}) == len(offered) > 5
    for mistake in offered:
        found = rerun(asked, mistake.case)
        assert found is not None, mistake.text
        if mistake.name not in ("detached_input", "wrong_slope"):  # these may leave this quantity as it is
            assert any(np.any(found[path] != here.exact.leaves[path]) for path in found), mistake.text


def test_a_rerun_of_the_case_itself_is_its_reference():
    here = cell("residual", "hvp", "float64")
    found = rerun(evidence(here, here.exact.leaves), here.case)
    assert bool(here.judge(found))


@pytest.mark.parametrize("where", ["residual/gradient", "convolution/jvp", "shared_linear/hessian_params"])
@pytest.mark.parametrize("size", [1e-3, 1e-9])
def test_noise_is_no_mistake_of_the_program_and_no_finite_difference(where, size):
    here = cell(*where.split("/"), "float64")
    draw = np.random.default_rng(4)
    wrong = {path: A * (1 + size * draw.standard_normal(A.shape)) for path, A in here.exact.leaves.items()}
    assert list(programs(evidence(here, wrong), here.reference.leaves)) == []
    assert [e.name for e in here.judge(wrong).diagnosis] == ["unexplained"]


def test_a_large_case_is_not_computed_again():
    here = cell("residual", "hvp", "float64")
    large = replace(evidence(here, here.exact.leaves), quantity=xcheck._reference.find_quantity("hessian_params"))
    many = replace(
        large, case=replace(here.case, inputs={"x": xcheck.Normal((10**6, 4), seed=1)}, targets=None, loss=None)
    )
    assert list(programs(many, here.reference.leaves)) == []


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_numbers_stored_in_float32_lie_on_no_grid(dtype):
    """A step of 2^-26 leaves as few bits as float32 does."""
    f = np.random.default_rng(1).standard_normal(40).astype(dtype).astype(np.float64)
    A = np.random.default_rng(2).standard_normal(40).astype(np.float32).astype(np.float64)
    for width in (2.0**-26, 2.0**-13, 1e-6, 2e-3):
        assert not on_grid({"": A}, {"": f}, width, dtype)


def test_a_difference_lies_on_the_grid_of_its_own_step_and_not_of_a_larger_one():
    x, h = np.linspace(0.3, 2.9, 40), 1e-6
    difference = (np.sin(x + h) - np.sin(x - h)) / (2 * h)
    assert on_grid({"": difference}, {"": np.sin(x)}, 2 * h, "float64")
    assert not on_grid({"": difference}, {"": np.sin(x)}, h, "float64")


def test_a_mistake_that_cannot_be_computed_is_none():
    here = cell("residual", "hvp", "float64")

    def program(xp, params, inputs):
        raise KeyError("whatever a program may raise")

    assert rerun(evidence(here, here.exact.leaves), with_program(here.case, program)) is None
