"""The zoo on a spread of cells: what does harm disagrees, and is named rightly; `nox -s zoo` takes all of them."""

from __future__ import annotations

import numpy as np
import pytest
from zoo import ZOO
from zoo.planting import DTYPES, cell, cells, named, spread
from zoo.right import stored

from xcheck import Outcome
from xcheck.quantities import load_quantities

pytest.importorskip("torch")

#: Small cases that have all of the quantities and all of the layers among them.
CASES = (
    "linear_gaussian_3_2", "td_error", "td_error_aux", "scalar_tanh", "retained_graph", "tanh_layer", "layer_norm",
    "batch_norm_train", "batch_norm_eval", "shared_linear", "relu", "tanh_mlp_classifier", "tanh_mlp", "positions",
    "images", "attention",
)  # fmt: skip


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("defect", ZOO, ids=lambda defect: defect.name)
def test_harmful_defect_is_killed_and_named(defect, dtype):
    if dtype not in defect.dtypes:
        pytest.skip(f"{defect.name} is a defect of {', '.join(defect.dtypes)} only")
    planted = list(spread(defect, CASES, dtype, 2))
    assert planted, f"{defect.name} harms nothing here: it needs a case that shows it"
    for here, wrong in planted:
        verdict = here.judge(wrong)
        assert verdict.outcome is Outcome.DISAGREES, verdict.text
        allowed = ("rightly", "nameless") if defect.told else ("rightly", "nameless", "not")
        assert named(defect, verdict, here) in allowed, verdict.text


def test_zoo_is_large_and_each_defect_has_a_name_of_its_own():
    assert len({defect.name for defect in ZOO}) == len(ZOO) >= 100


def test_the_cases_have_every_quantity():
    assert {here.quantity for here in cells(CASES, "float64")} == set(load_quantities())


@pytest.mark.parametrize("dtype", DTYPES)
def test_right_results_are_explained_by_nothing(dtype):
    for here in cells(CASES, dtype):
        verdict = here.judge(stored(here.honest.leaves, dtype))
        assert verdict, verdict.text
        assert verdict.diagnosis == ()


@pytest.mark.parametrize("quantity", load_quantities())
def test_random_perturbation_is_explained_by_nothing(quantity):
    here = next(here for here in cells(CASES, "float64") if here.quantity == quantity and here.size <= 20_000)
    draw = np.random.default_rng(5)
    wrong = {path: A + 10 * np.max(np.abs(A)) * draw.standard_normal(A.shape) for path, A in here.honest.leaves.items()}
    verdict = here.judge(wrong)
    assert [explanation.name for explanation in verdict.diagnosis] == ["unexplained"], verdict.text
    assert "no known explanation; the error is " in verdict.text


def test_a_wrong_name_is_seen():
    """The measure itself: a name that is not the defect's own is false, and silence is no name."""
    (sign,) = (defect for defect in ZOO if defect.name == "sign")
    here = cell("linear_gaussian_3_2", "gradient", "float64")
    g = here.honest.leaves[""]
    said = {
        name: named(sign, here.judge({"": A}), here)
        for name, A in {"rightly": -g, "falsely": 2 * g, "not": g + np.array([1.0, 5, 2, 7, 3, 1, 6, 2])}.items()
    }
    assert said == {"rightly": "rightly", "falsely": "falsely", "not": "not"}


def test_a_defect_without_a_name_is_no_defect_that_was_named():
    (noise,) = (defect for defect in ZOO if defect.name == "random_noise")
    here = cell("linear_gaussian_3_2", "gradient", "float64")
    g = here.honest.leaves[""]
    said = [named(noise, here.judge({"": A}), here) for A in (g + np.cos(np.arange(8.0)) * abs(g).max(), -g)]
    assert said == ["nameless", "falsely"]
