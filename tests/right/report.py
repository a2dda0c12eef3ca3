"""What the records of a study amount to: how many right results, how many rejected, and how their ratios lie."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from right.study import Record
from xcheck.report.summary import LEAST, MOST
from xcheck.result import size

#: Records by the number of their program.
Found = Mapping[int, list[Record]]
JUDGED = ("agrees", "disagrees", "not_finite")


def right(record: Record) -> bool:
    """Confirmed by the second channel, and judged; the rest is counted beside it."""
    return record.confirmed and record.outcome in JUDGED


def distinct(found: Found) -> int:
    """Right results that differ in program, seed or quantity; those of other dtypes and implementations count once."""
    return len({(number, r.seed, r.quantity) for number, records in found.items() for r in records if right(r)})


def distribution(records: Iterable[Record]) -> dict[str, Any]:
    """Number, rejected, and median, 99 % and largest of the ratio; the largest ratio_F."""
    records = list(records)
    if not records:
        return {"results": 0, "rejected": 0}
    ratios = np.array([size(record.ratio) for record in records])
    return {
        "results": len(records),
        "rejected": sum(record.outcome != "agrees" for record in records),
        "median": float(np.median(ratios)),
        "p99": float(np.quantile(ratios, 0.99)),
        "max": float(ratios.max()),
        "max_ratio_F": max(size(record.ratio_F) for record in records),
    }


def grouped(records: Iterable[Record], key: Callable[[Record], str]) -> dict[str, Any]:
    groups: dict[str, list[Record]] = {}
    for record in records:
        groups.setdefault(key(record), []).append(record)
    return {name: distribution(group) for name, group in groups.items()}


def summary(found: Found) -> dict[str, Any]:
    """The key "right" of reports/zoo.json."""
    every = [(number, record) for number, records in found.items() for record in records]
    kept = [record for _, record in every if right(record)]
    rest = [record for _, record in every if not right(record)]
    return {
        **distribution(kept),
        "programs": len(found),
        "cases": len({(number, record.seed) for number, record in every}),
        "distinct": distinct(found),
        "implementations": len({(r.quantity, r.implementation) for r in kept}),
        "failed_lines": dict(Counter(line for record in kept for line in record.failed_lines)),
        "rejected_ones": [
            f"{number}/{r.seed}/{r.quantity}/{r.implementation}/{r.dtype}: {r.outcome}, ratio {r.ratio}, {r.ratio_F}"
            for number, r in every
            if right(r) and r.outcome != "agrees"
        ],
        "wrong_in_both_channels": dict(
            Counter(f"{r.quantity}/{r.implementation}" for r in rest if not r.formula and r.outcome == "disagrees")
        ),
        "bfloat16_with_a_right_formula": distribution(
            r for _, r in every if r.dtype == "bfloat16" and r.formula and r.outcome in JUDGED
        ),
        "not_counted": dict(Counter(f"{r.dtype} {'unconfirmed, ' * (not r.confirmed)}{r.outcome}" for r in rest)),
        "dtypes": grouped(kept, lambda record: record.dtype),
        "frameworks": grouped(kept, lambda record: record.implementation.partition("_")[0]),
        "quantities": grouped(kept, lambda record: record.quantity),
        "by_quantity_and_dtype": grouped(kept, lambda record: f"{record.quantity}/{record.dtype}"),
    }


def unlikely(groups: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The groups whose median ratio is not of the size of rounding: there the scale is too large or too small."""
    return [name for name, one in groups.items() if one["results"] and not LEAST <= one["median"] <= MOST]


def lines(told: Mapping[str, Any]) -> list[str]:
    """The same as a table."""
    said = [
        f"{told['results']} right results ({told['distinct']} distinct in program, quantity or seed; "
        f"{told['programs']} programs, {told['cases']} cases, {told['implementations']} implementations): "
        f"{told['rejected']} rejected",
        *(f"  rejected: {one}" for one in told["rejected_ones"]),
        "  not counted: " + (", ".join(f"{n} {what}" for what, n in told["not_counted"].items()) or "none"),
        "  separate lines that failed: " + (", ".join(f"{n} {w}" for w, n in told["failed_lines"].items()) or "none"),
        "  medians that are not of the size of rounding: " + (", ".join(unlikely(told["quantities"])) or "none"),
        f"  {'':<28}{'results':>8}{'rejected':>9}{'median':>9}{'99 %':>9}{'max':>9}{'max_F':>9}",
    ]
    groups = [told[group] for group in ("dtypes", "frameworks", "quantities")]
    for group in (*groups, {"bfloat16, formula right": told["bfloat16_with_a_right_formula"]}):
        for name, one in ((name, one) for name, one in group.items() if one["results"]):
            numbers = "".join(f"{one[key]:>9.3g}" for key in ("median", "p99", "max", "max_ratio_F"))
            said.append(f"  {name:<28}{one['results']:>8}{one['rejected']:>9}{numbers}")
    return said


def merge(path: Path, key: str, told: Mapping[str, Any]) -> None:
    """Sets one key of a JSON file and leaves the others; the file is replaced as a whole."""
    whole = msgspec.json.decode(path.read_bytes()) if path.exists() else {}
    whole[key] = told
    beside = path.with_suffix(f".{os.getpid()}.part")
    beside.write_bytes(msgspec.json.format(msgspec.json.encode(whole), indent=1) + b"\n")
    beside.replace(path)
