"""Which cells a run has."""

from __future__ import annotations

import numpy as np
import pytest

import xcheck
from xcheck import _execute
from xcheck.quantities import load_quantities
from xcheck.quantity import NEEDS, implementations
from xcheck.run.plan import parse_id, plan
from xcheck.run.settings import Settings

CASES = xcheck.load_cases()
load_quantities()


def ids(**settings):
    return [cell.id for cell in plan(Settings(**settings), CASES)]


def test_every_cell_is_one_that_its_case_lists():
    for cell in plan(Settings(), CASES):
        assert cell.quantity in CASES[cell.case].quantities
        assert cell.implementation in implementations(cell.quantity)
        assert parse_id(cell.id) == cell


def test_ids_are_unique():
    assert len(set(ids())) == len(ids())


def test_globs_are_separated_by_commas():
    both = ids(cases="linear_gaussian,tanh_mlp", quantities="gradient,value")
    assert both == ids(cases="linear_gaussian", quantities="value,gradient") + ids(
        cases="tanh_mlp", quantities="gradient,value"
    )
    assert ids(cases="linear_gaussian_3*", quantities="hvp") == ids(cases="linear_gaussian_3_2", quantities="hvp")


def test_an_implementation_glob_selects_within_quantities():
    chosen = {id_.split("/")[2] for id_ in ids(implementations="jax_*")}
    assert chosen
    assert all(name.startswith("jax_") for name in chosen)


def test_float32_is_asked_only_where_it_holds_the_numbers():
    assert {id_.split("/")[3] for id_ in ids(cases="linear_gaussian_float64")} == {"float64"}
    assert {id_.split("/")[3] for id_ in ids(cases="linear_gaussian")} == {"float64", "float32"}


def test_a_tier_includes_the_smaller_ones():
    smoke, standard = ids(tier="smoke"), ids(tier="standard")
    assert set(smoke) < set(standard) <= set(ids(tier="full"))
    assert {CASES[id_.split("/")[0]].tier for id_ in smoke} == {"smoke"}


def test_a_closed_form_stays_with_its_cases():
    for cell in plan(Settings(), CASES):
        if cell.declared.cases == "td_error*":
            assert cell.case.startswith("td_error")


def test_cuda_brings_tf32_with_float32():
    here = {"torch": ("cpu", "cuda"), "jax": ("cpu",)}
    on_gpu = plan(Settings(cases="linear_gaussian", devices=("cuda",)), CASES, here)
    assert {cell.dtype for cell in on_gpu} == {"float64", "float32", "tf32"}
    assert {cell.declared.framework for cell in on_gpu} == {"torch"}


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"cases": "tanh_mpl"}, "unknown case 'tanh_mpl'; did you mean 'tanh_mlp'?"),
        ({"quantities": "gradeint"}, "unknown quantity 'gradeint'; did you mean 'gradient'?"),
        ({"cases": "tanh_mlp", "tier": "smoke"}, "zero cells: tanh_mlp is of tier standard; add --tier standard"),
        ({"cases": "td_error", "quantities": "ggn"}, "zero cells: no such case lists ggn; listed: value, jacobian"),
        ({"dtypes": ("tf32",)}, "zero cells: tf32 exists on CUDA devices only; add --device cuda"),
        ({"adapter": "nobody"}, "zero cells: no implementation matching '*' in module nobody applies"),
        ({"dtypes": ("float16",)}, "unknown dtype 'float16'; known: float64, float32, tf32, bfloat16"),
        ({"devices": ("gpu",)}, "unknown device 'gpu'"),
        ({"tier": "small"}, "unknown tier 'small'"),
        ({"timeout": 0.0}, "the time limit of a cell, in seconds, is 0.0, expected a number above 0"),
        ({"timeout": np.nan}, "the time limit of a cell, in seconds, is nan, expected a number above 0"),
        ({"memory": 0}, "the memory limit of a cell, in MB, is 0, expected a whole number from 1"),
        ({"dtypes": ()}, "at least one dtype and one device is needed"),
    ],
)
def test_a_wrong_request_is_one_clear_line(settings, line):
    with pytest.raises(xcheck.UsageError) as caught:
        ids(**settings)
    assert str(caught.value).startswith(line)
    assert "\n" not in str(caught.value)


def test_an_unknown_implementation_suggests_the_nearest():
    name = next(iter(implementations("gradient")))
    with pytest.raises(xcheck.UsageError, match=f"did you mean '{name}'"):
        ids(implementations=name + "x")


def test_an_id_has_five_parts():
    with pytest.raises(xcheck.UsageError, match="'a/b' is no id of a cell; expected case/quantity/implementation"):
        parse_id("a/b")


def test_the_needs_that_can_be_declared_are_those_that_are_looked_at():
    assert set(NEEDS) == set(_execute._NEEDS)


@pytest.mark.parametrize("need", ["modul", "singel_output", "single-output", "no such", "", "Loss", "exampels"])
def test_a_misspelt_need_is_refused_and_a_package_may_be_absent(need):
    with pytest.raises(xcheck.UsageError, match="unknown need"):
        xcheck.implements("gradient", "wrong", "torch", needs=(need,))
    xcheck.implements("gradient", "wrong", "torch", needs=("no_such_package", "no_such.package"))
