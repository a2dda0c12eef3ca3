"""What a verdict says in words."""

from __future__ import annotations

from xcheck._dtypes import UNIT
from xcheck._judge import LIMIT, Distance, Verdict, held, rounding_scale
from xcheck._reference import Reference
from xcheck.result import Outcome

#: A resolution above this is poor: a wrong program may hide in it.
POOR = 1e-3


def message(verdict: Verdict, reference: Reference, dtype: str, reproduce: str, distance: Distance | None) -> str:
    """Several lines: outcome and ratios, the worst entry, what would be seen, what is wrong, how to reproduce."""
    where = f"{verdict.outcome}: {reference.case}/{reference.quantity} in {dtype}"
    if verdict.ratio is None or distance is None or verdict.worst is None:
        return f"{where}: {verdict.reason}" + (f"\n  reproduce  {reproduce}" if verdict.outcome.failed else "")
    status = "" if reference.status == "certified" else f"; the reference is a {reference.status}, not certified"
    limit = "normwise stable only: not judged" if distance.normwise else f"limit {LIMIT:g}"
    head = f"{where}: ratio {verdict.ratio:.3g} ({limit}), ratio_F {verdict.ratio_F:.3g} (limit {LIMIT:g}){status}"
    notes = [f"  {name:<11}  {line}" for name, line in verdict.checks.items() if line != "ok"]
    notes += seen(verdict, dtype)
    if verdict:
        return "\n".join([head, *notes])
    lines = [head, f"  worst entry  {worst_entry(verdict, reference, dtype, distance)}", *notes]
    if verdict.outcome is Outcome.DISAGREES:
        said = "; or ".join(e.text for e in verdict.diagnosis) or "no known explanation"
        lines.append(f"  most likely  {said}")
    return "\n".join([*lines, f"  reproduce    {reproduce}"])


def worst_entry(verdict: Verdict, reference: Reference, dtype: str, distance: Distance) -> str:
    """Path and index, both values, their ratio, and the error in units of rounding."""
    worst = verdict.worst
    assert worst is not None
    leaf, index = reference.leaves[worst.path], tuple(worst.index)
    actual, expected = float(worst.actual), worst.expected
    times = f" ({actual / expected:.6g} x)" if expected and actual == actual else ""
    unit = UNIT[dtype] * float(held(leaf, dtype)[index])
    name = "u max S" if rounding_scale(leaf, dtype)[index] == 0 else "u S"
    exact = "and S = 0 in this whole array: every entry must be exact"
    size = f"{distance.units[index]:.3g} units of {name} = {unit:.3g}" if unit else exact
    return f"{worst.path}[{', '.join(map(str, index))}]: expected {expected!r}, got {actual!r}{times}; off by {size}"


def seen(verdict: Verdict, dtype: str) -> list[str]:
    """The line that says which errors this verdict would have seen."""
    if verdict.resolution is None:
        return []
    entry, whole = verdict.resolution
    advice = "; that is poor: judge in float64 too" if max(entry, whole) > POOR and dtype != "float64" else ""
    return [f"  resolution   an error of {entry:.2g} of the largest entry, {whole:.2g} of the norm, is seen{advice}"]
