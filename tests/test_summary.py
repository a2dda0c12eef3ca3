"""What the report says of many results at once."""

from __future__ import annotations

from xcheck.report.summary import ENOUGH, medians
from xcheck.report.terminal import Terminal
from xcheck.result import Document, Outcome, Result


def found(quantity, ratio, outcome=Outcome.AGREES, case="linear_gaussian"):
    return Result(
        id=f"{case}/{quantity}/torch_loop/float64/cpu", case=case, quantity=quantity,
        implementation="torch_loop", framework="torch", dtype="float64", device="cpu", outcome=outcome, ratio=ratio,
    )  # fmt: skip


def spread(quantity, *ratios):
    """Each ratio in so many cases that there is enough to tell what is typical."""
    return [found(quantity, ratio, case=f"case_{k}") for k in range(ENOUGH) for ratio in ratios]


def test_medians_are_of_what_agrees_and_smallest_first():
    wrong = [found("ggn", 1e9, Outcome.DISAGREES, case=f"case_{k}") for k in range(5 * ENOUGH)]
    typical = medians([*spread("ggn", 1.0, 2.0, 3.0), *wrong, *spread("hvp", 0.5)])
    assert list(typical.items()) == [("hvp", (0.5, ENOUGH)), ("ggn", (2.0, 3 * ENOUGH))]


def test_ways_that_reach_the_same_bits_count_once():
    same = [found("ggn", 0.01)] * 5 * ENOUGH
    assert medians(same) == {}, "one number tells nothing"
    assert medians([*same, *spread("ggn", 1.0)]) == {"ggn": (1.0, ENOUGH + 1)}


def test_a_scale_that_is_too_large_shows_in_the_report(capsys):
    """Every result would pass; the median of the quantity gives it away."""
    with Terminal(quiet=True) as terminal:
        terminal.report(Document(results=[*spread("ggn", 0.9), *spread("hvp", 0.2, 0.01)]))
    said = capsys.readouterr().out
    assert "median ratios of quantities from 0.105 (hvp) to 0.9 (ggn)" in said
    assert "in doubt" not in said
    with Terminal(quiet=True) as terminal:
        terminal.report(Document(results=[*spread("ggn", 0.9), *spread("hvp", 0.2, 0.01), found("hvp", 0.02)]))
    assert "the scale of hvp is in doubt" in capsys.readouterr().out
