"""How a report of a benchmark writes seconds, bytes, ratios and verdicts."""

from __future__ import annotations

from xcheck.bench.schema import Cell, Estimate, Group
from xcheck.result import Outcome

#: Seconds that others have published of the linear model's GGN (analytic, loop, torch.func); N = 1000 is our statement.
PUBLISHED = {"closed_form_linear": 8.2e-6, "loop": 6.1e-2, "jacobian": 2.1e-3}


def seconds(value: float) -> str:
    """Three digits and a unit.

    >>> seconds(8.2e-6), seconds(0.0613), seconds(12.0), seconds(9.996e-4)
    ('8.2 us', '61.3 ms', '12 s', '1 ms')
    """
    value = float(f"{value:.3g}")
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value * 1e9:.3g} ns"


def size(value: float | None) -> str:
    """Bytes in powers of 1024.

    >>> size(1536), size(999.7), size(None)
    ('1.5 KiB', '0.976 KiB', '')
    """
    if value is None:
        return ""
    for unit in ("B", "KiB", "MiB"):
        if value < 999.5:  # what three digits would write as 1e+03 has the next unit
            return f"{value:.3g} {unit}"
        value /= 1024
    return f"{value:.3g} GiB"


def ratio(value: Estimate | None) -> str:
    """A ratio with its interval.

    >>> ratio(Estimate(0.25, 0.24, 0.27))
    '0.25 (0.24 to 0.27)'
    """
    if value is None:
        return ""
    if value.low == value.median == value.high:
        return f"{value.median:.3g}"
    return f"{value.median:.3g} ({value.low:.3g} to {value.high:.3g})"


def share(value: float | None) -> str:
    return "" if value is None else f"{value:.2g}" if value < 0.1 else f"{value:.0%}"


def verdict(cell: Cell) -> str:
    """The outcome, and why where it is not plain agreement."""
    if cell.outcome is Outcome.AGREES:
        return cell.reason or "agrees"
    return f"{cell.outcome}: {cell.reason}" if cell.reason else str(cell.outcome)


def title(group: Group) -> str:
    """A group in words: quantity, network, arithmetic."""
    threads = f"{group.threads} thread" + ("s" if group.threads > 1 else "")
    return f"{group.quantity} of {network(group.case)}, {group.dtype}, {group.device}, {threads}"


def network(case: str) -> str:
    """A generated case by its widths; a shipped one by its name.

    >>> network("mlp_64_256_256_10_n128"), network("tanh_mlp")
    ('64-256-256-10 tanh net, N = 128', 'tanh_mlp (1-10-10-1 tanh net, N = 1000)')
    """
    if case == "tanh_mlp":
        return "tanh_mlp (1-10-10-1 tanh net, N = 1000)"
    family, _, rest = case.partition("_")
    if family == "tanh":
        family, rest = "tanh_layer", rest.removeprefix("layer_")
    kinds = {"mlp": "tanh net", "linear": "linear model", "conv": "convolutional net", "tanh_layer": "tanh(W x)"}
    widths, _, n = rest.rpartition("_n")
    if family not in kinds or not n.isdigit() or not widths.replace("_", "").isdigit():
        return case
    return f"{widths.replace('_', '-')} {kinds[family]}, N = {n}"
