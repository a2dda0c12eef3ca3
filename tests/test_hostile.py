"""A few hundred hostile cases; `nox -s hostile` runs 2,000."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import flint
import numpy as np
import pytest
from hostile import trial as trials
from hostile.programs import STATEMENTS, Text, draw
from hostile.trial import Wrong, trial, verified

from xcheck import Case, Literal, reference

COUNT = 120


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XCHECK_CACHE", str(tmp_path))


@pytest.mark.filterwarnings("ignore")  # hostile programs make NumPy and the frameworks warn of what they are given
@pytest.mark.parametrize("part", range(4))
def test_no_hostile_case_is_certified_wrongly(part: int) -> None:
    total: Counter[str] = Counter()
    for seed in range(part * COUNT // 4, (part + 1) * COUNT // 4):
        total += trial(seed)
    assert total["right"] >= COUNT // 24, total  # a run that refuses everything proves nothing


def test_every_statement_is_drawn() -> None:
    drawn = "\n".join(draw(seed).source for seed in range(4000))

    def pattern(statement: str) -> str:
        said = re.escape(statement.format(a="AAA", b="BBB", c="CCC"))
        return said.replace("AAA", r"\w+").replace("BBB", r"\w+").replace("CCC", r"[\w.*+-]+")

    assert [statement for statement in STATEMENTS if not re.search(pattern(statement), drawn)] == []


X = np.array([[0.5, -1.0], [2.0, 0.25]])


@pytest.mark.parametrize("quantity", ["value", "jacobian_inputs", "jacobian_params", "hessian_inputs"])
def test_a_wrong_reference_would_be_seen(quantity: str) -> None:
    """The certified program is another than the one that the truth is of."""
    source = "def program(xp, params, inputs):\n    return xp.tanh(inputs['x'] * params['w']) * inputs['z']"
    text = Text(source, {"w": np.array([0.5, 2.0])}, {"x": X, "z": X[::-1].copy()})
    right = Case(
        name="hostile", program=text.program, params={"w": Literal(text.params["w"], "float64")},
        inputs={name: Literal(a, "float64") for name, a in text.inputs.items()},
    )  # fmt: skip
    found = reference(right, quantity)
    assert verified(0, text, quantity, found) == "right"
    other = Text(source.replace("inputs['z']", "(inputs['z'] + 2.0**-60 * inputs['x'] ** 2)"), text.params, text.inputs)
    with pytest.raises(Wrong, match="is certified as"):
        verified(0, other, quantity, found)


@pytest.mark.filterwarnings("ignore")  # as above
def test_a_foreign_traceback_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    seed = next(seed for seed in range(100) if trial(seed)["right"])

    def broken(*_: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(trials.xcheck, "reference", broken)
    with pytest.raises(Wrong, match="ZeroDivisionError"):
        trial(seed)


def test_the_truth_is_restored_to_its_bits() -> None:
    before = flint.ctx.prec
    trial(0)
    assert flint.ctx.prec == before
