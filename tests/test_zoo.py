"""Every defect of the zoo on every quantity it applies to: the harmful ones disagree, and are named rightly."""

from __future__ import annotations

import numpy as np
import pytest
from zoo import ZOO, Right, harmful

import xcheck
from xcheck import Outcome
from xcheck._reference import missing
from xcheck.arrays import rounded
from xcheck.quantities import load_quantities

CASES = ("linear_gaussian_3_2", "tanh_mlp", "td_error", "td_error_aux")


def right_result(case, quantity, dtype):
    """The reference rounded to the dtype: as right as it can be."""

    def related(name):
        asked = name in case.quantities and not missing(case, load_quantities()[name], dtype)
        return xcheck.reference(case, name, dtype=dtype) if asked else None

    leaves = {p: rounded(leaf.value, dtype) for p, leaf in xcheck.reference(case, quantity, dtype=dtype).leaves.items()}
    return Right(case, quantity, dtype, leaves, load_quantities()[quantity].shape, related)


def planted(defect, dtype):
    """(case, quantity, wrong result) wherever the defect applies."""
    for name in CASES:
        case = xcheck.load_cases()[name]
        for quantity in case.quantities:
            right = right_result(case, quantity, dtype)
            wrong = defect.wrong(right) if defect.applies(right) else None
            if wrong is not None:
                stored = "float64" if dtype == "float64" else "float32"
                yield case, quantity, {path: np.asarray(A, stored) for path, A in wrong.items()}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("defect", ZOO, ids=lambda defect: defect.name)
def test_defect(defect, dtype):
    if dtype not in defect.dtypes:
        pytest.skip(f"{defect.name} is a defect of {', '.join(defect.dtypes)} only")
    killed = 0
    for case, quantity, wrong in planted(defect, dtype):
        if not harmful(
            {p: A.astype(float) for p, A in wrong.items()}, xcheck.reference(case, quantity, dtype=dtype), dtype
        ):
            continue
        verdict = xcheck.judge(wrong[""] if set(wrong) == {""} else wrong, case, quantity, dtype=dtype)
        assert verdict.outcome is Outcome.DISAGREES, verdict.text
        killed += 1
        # "cause unknown" is no explanation
        names = {explanation.name for explanation in verdict.diagnosis}
        assert names & set(defect.named) if defect.named else not names - {"rounding_size"}, (defect.name, verdict.text)
    assert killed
