"""The coverage page: no gap on shipped cases, and a gap that is noticed."""

import re
from dataclasses import replace
from pathlib import Path

import xcheck
from xcheck.case import Case
from xcheck.quantities import load_quantities
from xcheck.report.coverage import Covered, coverage, page, unsupported_share
from xcheck.run.adapters import load_entry_points

CASES = xcheck.load_cases()


def test_the_simplest_cases_have_no_gap():
    load_quantities()
    some = [CASES[name] for name in ("linear_gaussian_3_2", "td_error_aux", "scalar_tanh", "retained_graph")]
    assert [one for one in coverage(some) if one.is_gap] == []


def test_the_share_of_unsupported_does_not_grow():
    text = (Path(xcheck.__file__).parents[1] / "docs" / "coverage.md").read_text(encoding="utf-8")
    written = float(re.findall(r"([\d.]+)% of all", text)[0]) / 100
    load_quantities()
    load_entry_points()
    assert unsupported_share(coverage(CASES.values())) <= written + 0.0005
    assert unsupported_share([Covered("a", "b", 2, 3, 1)]) == 0.25


def test_a_gap_is_marked():
    # No loss, so nothing computes its gradient.
    lonely: Case = replace(CASES["td_error_aux"], name="lonely", quantities=("gradient",))
    assert [one.implementations for one in coverage([lonely])] == [0]
    assert "1 gaps: lonely/gradient." in page({"lonely": lonely})
    assert "0/0 **gap**" in page({"lonely": lonely})
