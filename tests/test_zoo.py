"""Every defect of the zoo on every quantity it applies to: the harmful ones disagree, and are named rightly."""

from __future__ import annotations

import pytest
from zoo import DIFFERENCES, PROGRAMS, ZOO, harmful
from zoo.planting import DTYPES, named, spread
from zoo.right import right, stored

import xcheck
from xcheck import Outcome
from xcheck._tree import tree
from xcheck.arrays import rounded

CASES = ("linear_gaussian_3_2", "tanh_mlp", "td_error_aux")
#: What the hypotheses of the diagnosis are written for; on other quantities a defect is killed but may go unnamed.
NAMED = (
    "value", "gradient", "jacobian_params", "jacobian_inputs", "jacobian_aux", "hessian_params", "hessian_diagonal",
    "hvp", "ggn", "ggn_diagonal",
)  # fmt: skip
COMPUTED = (*PROGRAMS, *DIFFERENCES)
#: Small cases that have all of the quantities and all of the layers among them.
SMALL = (
    "linear_gaussian_3_2", "td_error_aux", "scalar_tanh", "tanh_layer", "layer_norm", "batch_norm_train",
    "shared_linear", "relu", "tanh_mlp_classifier",
)  # fmt: skip


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("defect", COMPUTED, ids=lambda defect: defect.name)
def test_wrong_program_is_killed_and_never_named_falsely(defect, dtype):
    if dtype not in defect.dtypes:
        pytest.skip(f"{defect.name} is a defect of {', '.join(defect.dtypes)} only")
    cells = list(spread(defect, SMALL, dtype, 3))
    assert cells, f"{defect.name} harms nothing here: it needs a case that shows it"
    for cell, wrong in cells:
        verdict = xcheck.judge(tree(wrong), cell.case, cell.quantity, dtype=dtype)
        assert verdict.outcome is Outcome.DISAGREES, verdict.text
        assert named(defect, verdict) == "rightly", verdict.text


def planted(defect, dtype):
    """(case, quantity, wrong result) wherever the defect applies and does harm to the exact result."""
    for name in CASES:
        case = xcheck.load_cases()[name]
        for quantity in [q for q in NAMED if q in case.quantities]:
            exact = right(case, quantity, dtype)
            # A diagnosis of these 141,000 entries takes 2 s: too long for every defect.
            if not defect.applies(exact) or (name, quantity) == ("tanh_mlp", "jacobian_params"):
                continue
            changed = defect.wrong(exact)
            if changed is not None and harmful(changed, xcheck.reference(case, quantity, dtype=dtype), dtype):
                honest = right(case, quantity, dtype, {path: rounded(A, dtype) for path, A in exact.leaves.items()})
                yield case, quantity, stored(defect.wrong(honest), dtype)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("defect", [d for d in ZOO if d not in COMPUTED], ids=lambda defect: defect.name)
def test_harmful_defect_is_killed_and_named(defect, dtype):
    if dtype not in defect.dtypes:
        pytest.skip(f"{defect.name} is a defect of {', '.join(defect.dtypes)} only")
    killed = 0
    for case, quantity, wrong in planted(defect, dtype):
        verdict = xcheck.judge(tree(wrong), case, quantity, dtype=dtype)
        assert verdict.outcome is Outcome.DISAGREES, verdict.text
        assert named(defect, verdict) == "rightly", verdict.text
        killed += 1
    assert killed, f"{defect.name} harms nothing here: it needs a case that shows it"


def test_zoo_is_large_and_each_defect_has_a_name_of_its_own():
    assert len({defect.name for defect in ZOO}) == len(ZOO) >= 60


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_right_results_are_explained_by_nothing(dtype):
    for name in CASES:
        case = xcheck.load_cases()[name]
        for quantity in case.quantities:
            exact = right(case, quantity, dtype)
            rounded_leaves = stored({path: rounded(A, dtype) for path, A in exact.leaves.items()}, dtype)
            verdict = xcheck.judge(tree(rounded_leaves), case, quantity, dtype=dtype)
            assert verdict, verdict.text
            assert verdict.diagnosis == ()
