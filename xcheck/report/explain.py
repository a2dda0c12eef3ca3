"""All about one result: what `xcheck explain` prints."""

from __future__ import annotations

from xcheck.case import Case
from xcheck.quantity import Quantity
from xcheck.report.summary import shown_ratio
from xcheck.result import Outcome, Result, size


def explanation(result: Result, case: Case, quantity: Quantity) -> str:
    """Formula, worst entry with both values, ratio, diagnosis, and the line to reproduce it."""
    shape = f"({', '.join(quantity.shape.split())})"
    lines = {
        "formula": f"{quantity.formula}, shape {shape}",
        "case": case.doc or case.name,
        "reason": result.reason,
        "traceback": result.text if result.outcome is Outcome.RAISED else None,
        "ratio": _ratios(result),
        "worst entry": _worst(result),
        "diagnosis": "\n".join(one.text for one in result.diagnosis) or None,
        "checks": ", ".join(f"{name} {said}" for name, said in result.checks.items()) or None,
        "convention": None if result.convention is None else str(result.convention),
        "entries": _entries(result),
        "seconds": ", ".join(f"{name} {value:.3g}" for name, value in result.seconds.items()) or None,
        "reproduce": result.reproduce,
    }
    said = [f"{result.outcome}: {result.id}"]
    for name, text in lines.items():
        for k, line in enumerate((text or "").splitlines()):
            said.append(f"  {'' if k else name:<12} {line}")
    return "\n".join(said)


def _ratios(result: Result) -> str | None:
    if result.ratio is None:
        return None
    return (
        f"{shown_ratio(result.ratio)} units of the honest rounding error u S; "
        f"{shown_ratio(result.ratio_F)} in the Frobenius norm"
    )


def _worst(result: Result) -> str | None:
    worst = result.worst
    if worst is None:
        return None
    actual = size(worst.actual)
    times = f", {actual / worst.expected:.6g} times as much" if worst.expected else ""
    return f"{worst.path}{worst.index}: expected {worst.expected!r}, got {worst.actual!r}{times}"


def _entries(result: Result) -> str | None:
    if result.nonzero is None or result.decided is None:
        return None
    return f"{result.nonzero:.0%} are not zero, {result.dtype} determines {result.decided:.0%}"
