"""Lower precision is claimed where an emulated rerun has the same errors, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest
from zoo.planting import cell, plant
from zoo.programs import PROGRAMS

import xcheck
from xcheck._execute import execute
from xcheck._problem import problem
from xcheck._receive import receive
from xcheck.arrays import rounded
from xcheck.quantities import load_quantities
from xcheck.quantity import implementations
from xcheck.result import Explanation

#: A result of PyTorch in a coarser dtype: case, quantity, implementation, that dtype.
COMPUTED = (
    ("td_error", "jacobian_inputs", "torch_vmap_jacfwd", "float32"),
    ("tanh_mlp", "gradient", "torch_grad", "bfloat16"),
    ("tanh_mlp", "hvp", "torch_forward_over_reverse", "bfloat16"),
)


def computed(case, quantity, implementation, dtype):
    load_quantities()
    truth = xcheck.reference(case, quantity)
    found = execute(problem(case, quantity, "torch", dtype=dtype), implementations(quantity)[implementation]).result
    return receive(found, list(truth.leaves), dtype), truth


def explained(actual, truth) -> list[Explanation]:
    found = xcheck.judge(actual, truth.case, truth.quantity, dtype="float64", related=lambda quantity: None)
    assert not found
    return list(found.diagnosis)


def inside(leaves):
    """As if float64 work had followed: no entry is one of a coarser dtype any more."""
    return {path: A * (1 + 2.0**-40) for path, A in leaves.items()}


def bare(leaves):
    return leaves[""] if set(leaves) == {""} else leaves


@pytest.mark.parametrize("which", COMPUTED, ids=lambda which: "/".join(which))
def test_a_result_with_the_errors_of_a_coarser_dtype_was_computed_in_it(which):
    actual, truth = computed(*which)
    (found,) = explained(bare(inside(actual)), truth)
    assert (found.name, found.value) == ("precision", which[3])
    assert f"was computed in {which[3]}: a rerun that rounds there errs alike" in found.text


@pytest.mark.parametrize("which", COMPUTED, ids=lambda which: "/".join(which))
def test_errors_of_that_size_with_another_pattern_have_no_known_cause(which):
    actual, truth = computed(*which)
    mirrored = {path: 2 * truth.leaves[path].value - A for path, A in actual.items()}
    shuffled = {path: R.value * (1 + rounded(draw(A), which[3]) - draw(A)) for path, A, R in zipped(actual, truth)}
    thirds = {path: 3 * rounded(R.value / 3, which[3]) for path, A, R in zipped(actual, truth)}
    for wrong in (mirrored, shuffled, thirds):
        # Only float32 has a size of its own: of bfloat16, such errors are as large as those of most mistakes.
        expected = "rounding_size" if which[3] == "float32" else "unexplained"
        assert [found.name for found in explained(bare(inside(wrong)), truth)] == [expected]


def zipped(actual, truth):
    return [(path, A, truth.leaves[path]) for path, A in actual.items()]


def draw(A):
    """Numbers between 1 and 2, whose rounding errors have nothing to do with the program."""
    return 1 + np.random.default_rng(5).random(A.shape)


def test_an_approximated_tanh_is_no_matter_of_precision():
    (tanh,) = (defect for defect in PROGRAMS if defect.name == "tanh_of_low_order")
    here = cell("tanh_mlp_regression", "hvp", "float64")
    assert [found.name for found in here.judge(plant(tanh, here).wrong).diagnosis] == ["tanh_fraction"]


@pytest.mark.parametrize(
    ("name", "case", "quantity", "said"),
    [
        ("tanh_in_float32", "tanh_layer", "jacobian_inputs", "has its functions in float32"),
        ("bfloat16_products", "tanh_mlp_regression", "gradient", "has its matrix products in bfloat16"),
        ("tf32_products", "layer_norm", "value", "has its matrix products in tf32"),
    ],
)
def test_lower_precision_in_one_kind_of_operation_is_told_from_that_of_all(name, case, quantity, said):
    (defect,) = (defect for defect in PROGRAMS if defect.name == name)
    here = cell(case, quantity, "float64")
    (found,) = here.judge(plant(defect, here).wrong).diagnosis
    assert found.text.startswith(said)
