"""What the report says of many results at once."""

from __future__ import annotations

from xcheck.report.summary import medians
from xcheck.report.terminal import Terminal
from xcheck.result import Document, Outcome, Result


def found(quantity, ratio, outcome=Outcome.AGREES):
    return Result(
        id=f"linear_gaussian/{quantity}/torch_loop/float64/cpu", case="linear_gaussian", quantity=quantity,
        implementation="torch_loop", framework="torch", dtype="float64", device="cpu", outcome=outcome, ratio=ratio,
    )  # fmt: skip


def test_medians_are_of_what_agrees_and_smallest_first():
    results = [found("ggn", 1.0), found("ggn", 3.0), found("ggn", 2.0), found("ggn", 1e9, Outcome.DISAGREES)]
    assert medians([*results, found("hvp", 0.5)]) == {"hvp": 0.5, "ggn": 2.0}
    assert list(medians([*results, found("hvp", 0.5)])) == ["hvp", "ggn"]


def test_a_scale_that_is_too_large_shows_in_the_report(capsys):
    """Every result would pass; the median of the quantity gives it away."""
    with Terminal(quiet=True) as terminal:
        terminal.report(Document(results=[found("ggn", 0.9), found("hvp", 2e-6), found("hvp", 4e-6)]))
    assert "median ratios of quantities from 3e-06 (hvp) to 0.9 (ggn)" in capsys.readouterr().out
