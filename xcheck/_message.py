"""What a verdict says in words."""

from __future__ import annotations

from xcheck._dtypes import UNIT
from xcheck._judge import LIMIT, Distance, Verdict, rounding_scale
from xcheck._reference import Reference
from xcheck.result import Outcome


def message(verdict: Verdict, reference: Reference, dtype: str, reproduce: str, distance: Distance | None) -> str:
    """Several lines: outcome and ratios, the worst entry with both values, what it most likely is, how to reproduce."""
    where = f"{verdict.outcome}: {reference.case}/{reference.quantity} in {dtype}"
    if verdict.ratio is None or distance is None or verdict.worst is None:
        return f"{where}: {verdict.reason}" + (f"\n  reproduce  {reproduce}" if verdict.outcome.failed else "")
    status = "" if reference.status == "certified" else f"; the reference is a {reference.status}, not certified"
    head = (
        f"{where}: ratio {verdict.ratio:.3g} (limit {LIMIT:g}), "
        f"ratio_F {verdict.ratio_F:.3g} (limit {distance.limit_F:.3g}){status}"
    )
    if verdict:
        return "\n".join([head, *(f"  {line}" for line in verdict.checks.values() if line != "ok")])
    lines = [head, f"  worst entry  {worst_entry(verdict, reference, dtype, distance)}"]
    lines += [f"  {name:<11}  {line}" for name, line in verdict.checks.items() if line != "ok"]
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
    unit = UNIT[dtype] * float(rounding_scale(leaf, dtype)[index])
    size = f"{distance.units[index]:.3g} units of u S = {unit:.3g}" if unit else "and u S = 0: this entry must be exact"
    return f"{worst.path}[{', '.join(map(str, index))}]: expected {expected!r}, got {actual!r}{times}; off by {size}"
