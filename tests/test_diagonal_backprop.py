"""The propagated diagonal is the GGN's own for two linear layers, another for four, and its guard sees a wrong rule."""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import pytest

import xcheck
from xcheck import Case, Normal
from xcheck._errors import GuardFailed
from xcheck._execute import execute, unmet
from xcheck._problem import problem
from xcheck.exact.certify import certify
from xcheck.exact.derivatives.diagonal_backprop import Part
from xcheck.program import Linear, Sequential, Tanh, mse
from xcheck.quantities import load_quantities
from xcheck.quantity import implementations

QUANTITY = load_quantities()["ggn_diagonal_backprop"]
CASES = ("two_linear_layers", "four_linear_layers")
EXPERIMENT = Path(__file__).parents[1] / "docs" / "experiments" / "diagonal_backprop.py"


@pytest.mark.parametrize("implementation", implementations("ggn_diagonal_backprop").values(), ids=lambda one: one.name)
@pytest.mark.parametrize("case", CASES)
def test_every_implementation_agrees(case, implementation):
    if implementation.framework == "jax" and implementation.variant == "eager":
        pytest.skip("eager JAX compiles every operation for itself: `xcheck verify --tier full` runs it")
    made = problem(case, "ggn_diagonal_backprop", implementation.framework)
    assert unmet(made, implementation) is None
    made.check(execute(made, implementation).result)


def both(case: str) -> tuple[xcheck.Reference, xcheck.Reference]:
    return xcheck.reference(case, "ggn_diagonal_backprop"), xcheck.reference(case, "ggn_diagonal")


def test_it_is_the_ggn_diagonal_of_two_linear_layers():
    propagated, exact = both("two_linear_layers")
    assert np.array_equal(propagated.value, exact.value)
    assert xcheck.judge(exact.value, "two_linear_layers", "ggn_diagonal_backprop", dtype="float64")


def test_it_is_another_one_of_four_linear_layers():
    propagated, exact = both("four_linear_layers")
    hidden = slice(0, 3 * 5 + 5 + 5 * 4 + 4)  # all but the last two linear layers
    assert (np.abs(propagated.value[hidden] / exact.value[hidden] - 1) > 0.001).all()
    for value, quantity in ((exact.value, "ggn_diagonal_backprop"), (propagated.value, "ggn_diagonal")):
        assert not xcheck.judge(value, "four_linear_layers", quantity, dtype="float64")


def small(name: str, net: Sequential) -> Case:
    return Case(
        name=name, program=net, params=net.init(seed=1), inputs={"x": Normal((2, 2), seed=2)},
        targets=Normal((2, 2), seed=3), loss=mse(), quantities=("ggn_diagonal_backprop",),
    )  # fmt: skip


def test_the_layers_of_nested_sequentials_count_one_by_one():
    layers = (Linear(2, 3), Tanh(), Linear(3, 2), Tanh(), Linear(2, 2))
    flat, nested = Sequential(*layers), Sequential(Sequential(*layers[:3]), Sequential(Sequential(*layers[3:])))
    ours = certify(small("flat", flat), [QUANTITY])["ggn_diagonal_backprop"][""]
    params = dict(zip(nested.shapes(), small("flat", flat).params.values(), strict=True))
    case = Case(
        name="nested", program=nested, params=params, inputs={"x": Normal((2, 2), seed=2)},
        targets=Normal((2, 2), seed=3), loss=mse(),
    )  # fmt: skip
    assert np.array_equal(certify(case, [QUANTITY])["ggn_diagonal_backprop"][""].value, ours.value)


@pytest.mark.parametrize("what", ["x", "weight"])
def test_a_wrong_rule_is_caught_by_the_guard(what, monkeypatch):
    right = Part.pulled

    def wrong(part, name, m, units=None):
        found = right(part, name, m, units)
        return found * (1 + 2.0**-50) if (name == "weight") == (what == "weight") else found

    monkeypatch.setattr(Part, "pulled", wrong)
    with pytest.raises(GuardFailed, match="ggn_diagonal_backprop contradicts its guard"):
        certify(small("small", Sequential(Linear(2, 3), Tanh(), Linear(3, 2))), [QUANTITY])


def test_the_figures_of_the_page_are_those_of_the_experiment(capsys):
    runpy.run_path(str(EXPERIMENT), run_name="experiment")["main"]()
    page = (EXPERIMENT.parents[1] / "layerwise.md").read_text()
    assert capsys.readouterr().out in page
