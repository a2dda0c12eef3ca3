"""reports/zoo.json: what one command writes, another leaves as it is; the figures are sums of what was counted."""

from __future__ import annotations

import json

import pytest
from zoo import ZOO
from zoo.count import Count, competitors, count, summary
from zoo.report import merge


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


def test_a_defect_is_counted_where_it_does_harm():
    (scale,) = (defect for defect in ZOO if defect.name == "scale_1e-10")
    found = count(scale, "float64", ("linear_gaussian_3_2",))
    assert found.applied == found.harmful == found.killed == 18
    assert found.named_rightly == found.diagnosed > 0
    assert found.named_falsely == 0
    # 1e-10 is far inside of every tolerance in use, but for entries of 0.
    assert set(found.killed_by.values()) == {0}


def test_the_summary_counts_distinct_defects():
    counts = [
        Count("a", "float64", harmful=3, killed=3, diagnosed=2, named_rightly=2, killed_by={}),
        Count("b", "float64", harmful=2, killed=1, diagnosed=1, named_falsely=1, killed_by={}),
        Count("c", "float64", applied=5, killed_by={}),
    ]
    found = summary(counts)["float64"]
    assert (found["defects"], found["defects_killed"], found["defects_named_rightly"]) == (2, 1, 1)
    assert (found["harmful"], found["killed"], found["defects_named_falsely"], found["applied"]) == (5, 4, 1, 0)


def test_the_other_checks_kill_what_is_beyond_their_tolerance():
    counts = [
        Count("a", "float64", harmful=2, killed_by=dict.fromkeys(competitors([]), 2)),
        Count("b", "float64", harmful=2, killed_by=dict.fromkeys(competitors([]), 1)),
    ]
    for found in competitors(counts).values():
        assert found["float64"] == {"killed": 3, "defects_killed": 1}
        assert found["float32"] == {"killed": 0, "defects_killed": 0}
