"""Every outcome in a real run: an adapter whose implementations misbehave, each in one way."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import xcheck

ADAPTERS = str(Path(__file__).parent / "adapters")

EXPECTED = {
    "right": "agrees",
    "prints": "agrees",
    "sleeps": "timed_out",
    "aborts": "crashed",
    "exits": "crashed",
    "leaves": "raised",
    "allocates": "out_of_memory",
    "allocates_lists": "out_of_memory",
    "jax_allocates": "out_of_memory",
    "jax_allocates_jit": "out_of_memory",
    "raises": "raised",
    "declines": "unsupported",
    "nan": "not_finite",
    "shape": "wrong_shape",
    "dtype": "wrong_dtype",
    "nothing": "wrong_dtype",
    "doubles": "disagrees",
    "changes_input": "mutated_input",
    "changes_state": "mutated_state",
    "changes_mind": "nondeterministic",
    "known": "known_limitation",
    "mended": "stale_limitation",
    "other_fault": "stale_limitation",
}

REASONS = {
    "sleeps": "no result after 8 s",
    "aborts": "killed by SIGABRT",
    "exits": "the process ended with exit code 3",
    "leaves": "SystemExit: goodbye",
    "raises": "ValueError: no such thing as a second line",
    "declines": "not for this case",
    "known": "a gap of the test (https://example.org/gap); disagrees",
}


@pytest.fixture(scope="module")
def found():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ADAPTERS)
        results = xcheck.verify(
            "linear_gaussian", "gradient", dtypes=("float64",), adapter="faulty_adapter", timeout=8, memory=512, jobs=2
        )
        return {result.implementation.removeprefix("torch_"): result for result in results}


def test_the_run_goes_on_to_its_end(found):
    assert sorted(found) == sorted(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_each_fault_has_its_outcome(found, name):
    result = found[name]
    assert result.outcome == EXPECTED[name], f"{result.reason} {result.text}"
    assert (result.reason or "").startswith(REASONS.get(name, ""))


def test_a_line_reproduces_the_cell(found):
    line = "xcheck explain linear_gaussian/gradient/torch_doubles/float64/cpu --adapter faulty_adapter"
    assert found["doubles"].reproduce == line


def test_cases_and_quantities_are_named_or_handed_in():
    case = xcheck.load_cases()["linear_gaussian"]
    quantity = xcheck.reference(case, "gradient").quantity
    found = xcheck.verify([case], [quantity, "ggn"], "torch_closed_form*", dtypes=("float64",), jobs=1)
    assert {(one.case, one.quantity) for one in found} == {(case.name, "gradient"), (case.name, "ggn")}
    with pytest.raises(xcheck.UsageError, match="save it in a file"):
        xcheck.verify(replace(case), "gradient")
