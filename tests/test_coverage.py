"""The coverage page: no gap on shipped cases, and a gap that is noticed."""

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import xcheck
from xcheck.case import Case
from xcheck.quantities import load_quantities
from xcheck.report.coverage import Covered, coverage, page, unsupported_share

CASES = xcheck.load_cases()


def test_the_simplest_cases_have_no_gap():
    load_quantities()
    some = [CASES[name] for name in ("linear_gaussian_3_2", "td_error_aux", "scalar_tanh", "retained_graph")]
    assert [one for one in coverage(some) if one.is_gap] == []


#: The share of implementations that do not apply to a case that they are declared for; it may shrink, and not grow.
UNSUPPORTED_AT_MOST = 0.03


def test_the_page_is_the_one_of_today_and_the_share_of_unsupported_does_not_grow():
    # A process of its own: other tests register implementations, and the page is about those that ship.
    line = [sys.executable, "-m", "xcheck", "list", "coverage"]
    today = subprocess.run(line, capture_output=True, text=True, check=True).stdout
    share = float(re.findall(r"([\d.]+)% of all", today)[0]) / 100
    assert 0 < share <= UNSUPPORTED_AT_MOST
    assert (Path(xcheck.__file__).parents[1] / "docs" / "coverage.md").read_text(encoding="utf-8") == today
    assert unsupported_share([Covered("a", "b", 2, 3, 1)]) == 0.25


def test_a_gap_is_marked():
    # No loss, so nothing computes its gradient.
    lonely: Case = replace(CASES["td_error_aux"], name="lonely", quantities=("gradient",))
    assert [one.implementations for one in coverage([lonely])] == [0]
    assert "1 gaps: lonely/gradient." in page({"lonely": lonely})
    assert "0/0 **gap**" in page({"lonely": lonely})
