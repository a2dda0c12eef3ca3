"""reports/zoo.json: what one command writes, another leaves as it is; the figures are sums of what was counted."""

from __future__ import annotations

import json

import pytest
from zoo import ZOO
from zoo.competitors import COMPETITORS
from zoo.count import DIAGNOSED, JUDGED, Count, count
from zoo.figures import competitors, said, summary
from zoo.honest import rejected
from zoo.report import merge

import xcheck


def test_keys_are_merged(tmp_path):
    place = tmp_path / "reports" / "zoo.json"
    merge({"defects": [1]}, place)
    merge({"right": {"rejected": 0}}, place)
    merge({"defects": [2]}, place)
    assert json.loads(place.read_text()) == {"defects": [2], "right": {"rejected": 0}}
    assert [path.name for path in place.parent.iterdir()] == ["zoo.json"]


def test_what_is_no_object_is_refused(tmp_path):
    place = tmp_path / "zoo.json"
    place.write_text("[]")
    with pytest.raises(ValueError, match="no JSON object"):
        merge({"defects": []}, place)


def defect(name):
    (found,) = (defect for defect in ZOO if defect.name == name)
    return found


def test_a_defect_is_counted_where_it_does_harm():
    found = count(defect("scale_1e-10"), "float64", ("linear_gaussian_3_2",))
    assert found.applied == found.harmful == found.killed == len(found.quantities) == 20
    assert found.rightly > 0
    assert (found.falsely, found.unnamed) == (0, 0)
    # 1e-10 is far inside of every tolerance in use, but for entries of 0.
    assert set(found.accepted_by.values()) == {20}


def test_of_each_quantity_a_few_cells_are_judged_and_fewer_diagnosed():
    cases = tuple(name for name, case in xcheck.load_cases().items() if "scalar" in name or "linear_g" in name)
    found = count(defect("factor_3_7"), "float64", cases)
    assert max(found.quantities.values()) == JUDGED
    assert found.harmful == found.killed == sum(found.quantities.values())
    assert found.diagnosed <= DIAGNOSED * len(found.quantities) < found.harmful


def test_the_summary_counts_distinct_defects():
    counts = [
        Count("a", "float64", harmful=3, killed=3, diagnosed=3, rightly=2, nameless=1, accepted_by={}),
        Count("a", "float32", harmful=1, killed=1, diagnosed=1, unnamed=1, accepted_by={}),
        Count("b", "float64", harmful=2, killed=1, diagnosed=1, falsely=1, accepted_by={}),
        Count("c", "float64", applied=5, accepted_by={}),
        Count("d", "float64", harmful=1, killed=1, diagnosed=1, nameless=1, accepted_by={}),
    ]
    found = summary(counts)
    figures = ("defects", "defects_killed", "defects_with_name", "defects_rightly", "defects_falsely")
    assert [found["float64"][name] for name in figures] == [3, 2, 1, 1, 1]
    assert [found["both"][name] for name in figures] == [3, 2, 1, 0, 1]
    assert (found["both"]["harmful"], found["both"]["killed"], found["float64"]["nameless"]) == (7, 6, 2)
    assert found["both"]["defects_nameless"] == 2


def test_what_other_checks_accept_is_counted():
    counts = [
        Count("a", "float64", harmful=2, accepted_by=dict.fromkeys(competitors([]), 2)),
        Count("b", "float64", harmful=2, accepted_by=dict.fromkeys(competitors([]), 0)),
    ]
    others = competitors(counts)
    for found in others.values():
        assert found["float64"] == found["both"] == {"accepted": 2, "defects_accepted_somewhere": 1}
        assert found["float32"] == {"accepted": 0, "defects_accepted_somewhere": 0}
    assert "accepts      2 of them (50.0%), 1 defects somewhere" in said(summary(counts), others)


def test_right_results_are_rejected_by_what_is_stricter_than_rounding():
    pytest.importorskip("torch")
    found = rejected(("linear_gaussian_3_2", "tanh_mlp_regression", "batch_norm_train"), "float32")
    assert found["results"] > 30
    assert found["judge"] == 0
    # The strictest one is less than two units of rounding of float32.
    strictest = min(COMPETITORS, key=lambda other: other.tolerances["float32"])
    assert found[strictest.name] > found["results"] / 2
