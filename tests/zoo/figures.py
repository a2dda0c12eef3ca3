"""The figures of the zoo from what was counted: per result, and per distinct defect, which counts where always so."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from zoo.competitors import COMPETITORS
from zoo.count import Count, of

#: In "both", a defect is named rightly where it is in each dtype.
DTYPES = ("float64", "float32", "both")
SUMS = ("applied", "harmful", "killed", "diagnosed", "rightly", "falsely", "unnamed", "nameless")


def summary(counts: Iterable[Count]) -> dict[str, Any]:
    """By dtype; the share of those named rightly is that of the diagnosed ones with a name to find."""
    counts = list(counts)
    return {dtype: figures(of(counts, dtype)) for dtype in DTYPES}


def figures(counts: list[Count]) -> dict[str, Any]:
    def names(fulfils: Callable[[Count], bool]) -> set[str]:
        return {one.defect for one in counts if fulfils(one)}

    harmful = names(lambda one: True)
    missed = names(lambda one: one.falsely + one.unnamed > 0)
    with_name = names(lambda one: one.rightly + one.unnamed > 0)
    return {
        "defects": len(harmful),
        "defects_killed": len(harmful - names(lambda one: one.killed < one.harmful)),
        "defects_with_name": len(with_name),
        "defects_rightly": len(with_name - missed),
        "defects_falsely": len(names(lambda one: one.falsely > 0)),
        "defects_nameless": len(harmful - with_name),
        **{name: sum(getattr(one, name) for one in counts) for name in SUMS},
    }


def competitors(counts: Iterable[Count]) -> dict[str, Any]:
    """For each other check, by dtype: the harmful results that it accepts, and the defects it accepts somewhere."""
    counts = list(counts)
    return {
        competitor.name: {
            "source": competitor.source,
            "tolerances": {d: {"relative": r, "absolute": a} for d, (r, a) in competitor.tolerances.items()},
            **{
                dtype: {
                    "accepted": sum(one.accepted_by[competitor.name] for one in of(counts, dtype)),
                    "defects_accepted_somewhere": len(
                        {one.defect for one in of(counts, dtype) if one.accepted_by[competitor.name]}
                    ),
                }
                for dtype in DTYPES
            },
        }
        for competitor in COMPETITORS
    }


def said(total: dict[str, Any], others: dict[str, Any]) -> str:
    """The figures that the docs quote."""
    lines = []
    for dtype, t in total.items():
        lines += [
            f"{dtype}: {t['defects']} distinct defects do harm, {t['defects_killed']} are killed everywhere",
            f"  {t['defects_with_name']} have a name to find, {t['defects_rightly']} are named rightly wherever "
            f"diagnosed; {t['defects_nameless']} have none; {t['defects_falsely']} are named falsely somewhere",
            f"  {t['harmful']} harmful results, {t['killed']} killed; {t['diagnosed']} diagnosed: {t['rightly']} named "
            f"rightly, {t['unnamed']} not though there is a name, {t['falsely']} falsely, {t['nameless']} have no name",
        ]
        for name, other in others.items():
            accepted, defects = other[dtype]["accepted"], other[dtype]["defects_accepted_somewhere"]
            lines.append(
                f"  {name:28} accepts {accepted:6} of them ({accepted / max(t['harmful'], 1):.1%}), "
                f"{defects} defects somewhere"
            )
    return "\n".join(lines)
