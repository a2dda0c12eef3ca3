"""Whether an implementation applies: examples are taken apart only where each is computed alone. And its seconds."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any

import pytest

import xcheck
from xcheck import Case, Normal
from xcheck._execute import execute, independent
from xcheck.quantity import implementations

Program = Callable[[Any, Any], Any]


def declared(program: Program) -> Case:
    """A case of four examples; each program is a case of its own."""
    return Case(
        name="some_rows",
        program=lambda xp, params, inputs: program(xp, inputs["x"]),
        params={},
        inputs={"x": Normal((4, 3), seed=1)},
    )


@pytest.mark.parametrize(
    "program",
    [
        lambda xp, x: xp.tanh(x),
        lambda xp, x: x - xp.mean(x, axis=1, keepdims=True),
        lambda xp, x: xp.sum(x * x, axis=1),
    ],
    ids=["entries", "over_features", "a_number_each"],
)
def test_examples_that_are_computed_alone(program: Program) -> None:
    assert independent(declared(program))


@pytest.mark.parametrize(
    "program",
    [
        # Alone these have one row of output, which others spoil.
        lambda xp, x: x - xp.mean(x, axis=0, keepdims=True),
        lambda xp, x: x * xp.max(x, axis=0, keepdims=True),
        lambda xp, x: x @ xp.matrix_transpose(x) @ x,
        # No other example spoils their last row, but they are not one row for each.
        lambda xp, x: xp.concat([x[-1:], x[-1:]], axis=0),
        lambda xp, x: xp.reshape(x, (-1, 1)),
        # Neither.
        lambda xp, x: xp.concat([x, xp.sum(x, axis=0, keepdims=True)], axis=0),
    ],
    ids=["mean", "max", "products", "twice_the_last", "more_rows", "a_row_of_sums"],
)
def test_examples_that_need_each_other(program: Program) -> None:
    assert not independent(declared(program))


def test_seconds_are_those_of_this_call() -> None:
    problem = xcheck.problem("linear_gaussian", "gradient", "torch")
    start = perf_counter()
    found = execute(problem, implementations("gradient")["torch_grad"])
    whole = perf_counter() - start
    assert set(found.seconds) == {"prepare", "run"}
    assert all(0 <= seconds <= whole for seconds in found.seconds.values())
