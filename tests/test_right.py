"""Right results of random programs: the judge rejects none, and a planted fault in any of them."""

from __future__ import annotations

import json

import numpy as np
import pytest
from right.__main__ import journal
from right.confirm import SecondChannel
from right.programs import QUANTITIES, program
from right.report import distinct, grouped, merge, right, summary, unlikely
from right.study import Record, study

from xcheck._tree import leaves, tree
from xcheck.exact.certify import certify
from xcheck.quantities import load_quantities

#: In float64 and float32, with both frameworks.
NUMBER = 4


@pytest.fixture(scope="module")
def sample():
    return {NUMBER: list(study(program(NUMBER), range(3)))}


def test_no_right_result_is_rejected(sample):
    told = summary(sample)
    assert told["results"] > 100
    assert told["rejected"] == 0, told["rejected_ones"]
    assert told["failed_lines"] == {}
    assert set(told["quantities"]) == set(QUANTITIES)
    assert set(told["frameworks"]) == {"torch", "jax"}


def test_almost_all_results_are_confirmed(sample):
    records = sample[NUMBER]
    assert sum(right(record) for record in records) >= 0.95 * len(records)


def by_order(records):
    """Ratios by the order of differentiation: single quantities have too few results in a sample."""
    return grouped(filter(right, records), lambda record: str(load_quantities()[record.quantity].order))


def test_ratios_of_right_results_are_of_the_size_of_rounding(sample):
    told = by_order(sample[NUMBER])
    assert set(told) == {"0", "1", "2", "3", "4"}
    assert unlikely(told) == []


def test_a_scale_that_is_100_times_too_large_is_noticed():
    told = by_order(study(program(NUMBER), [0], frameworks=["torch"], grown=100.0))
    assert set(unlikely(told)) == {"0", "1", "2", "3", "4"}


def test_planted_fault_in_a_right_result_is_rejected():
    def off(found):
        return tree({path: leaf * 1.01 for path, leaf in leaves(found).items()})

    faulty = list(study(program(NUMBER), [0], off))
    assert len(faulty) > 40
    assert {record.outcome for record in faulty} == {"disagrees"}


@pytest.fixture(scope="module")
def channel():
    case = program(NUMBER).case(0)
    certified = certify(case, [load_quantities()[name] for name in QUANTITIES])
    return SecondChannel(case), {name: {p: c.value for p, c in found.items()} for name, found in certified.items()}


@pytest.mark.parametrize("quantity", QUANTITIES)
def test_second_channel_confirms_the_truth_and_no_formula_that_is_off_by_a_millionth(channel, quantity):
    second, exact = channel
    declared, R = load_quantities()[quantity], exact[quantity]
    bounds = second.bounds(declared, "float64")
    assert second.formula(declared, R, bounds)
    assert not second.formula(declared, {path: A * (1 + 1e-6) for path, A in R.items()}, bounds)


def test_second_channel_holds_a_float32_result_against_the_float64_one(channel):
    second, exact = channel
    declared, R = load_quantities()["gradient"], exact["gradient"]
    bounds = second.bounds(declared, "float32")
    assert second.rounding({"": R[""].astype(np.float32)}, R, bounds)
    assert not second.rounding({"": R[""] * 1.01}, R, bounds)
    assert not second.rounding(R, R, {"": np.inf}), "a bound that says nothing confirms nothing"


def test_journal_drops_a_line_that_was_cut_off_and_other_numbers_of_seeds(tmp_path):
    path = tmp_path / "right.jsonl"
    record = '[0,"gradient","torch_grad","float64",true,true,"agrees",0.5,0.25,[]]'
    whole = f'{{"program":3,"seeds":6,"records":[{record}]}}\n'
    path.write_text(whole + whole.replace('"seeds":6', '"seeds":1').replace("3", "4", 1) + whole[:40])
    found = journal(path, 6)
    assert list(found) == [3]
    assert isinstance(found[3][0], Record)
    assert distinct(found) == 1


def test_report_keeps_the_other_keys_of_the_file(tmp_path):
    path = tmp_path / "zoo.json"
    path.write_text('{"defects": [1]}')
    merge(path, "right", {"rejected": 0})
    assert json.loads(path.read_text()) == {"defects": [1], "right": {"rejected": 0}}
    assert [file.name for file in tmp_path.iterdir()] == ["zoo.json"]
