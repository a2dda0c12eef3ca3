"""The digest of a program: what computes differently has another one, and what does not has the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from xcheck import Case, Literal, Normal
from xcheck.exact.trace import program_digest
from xcheck.program import mse


def digest(program: Callable[..., Any], seed: int = 1, reduction: str = "mean") -> str:
    case = Case(
        name="traced",
        program=program,
        params={"w": Normal((2,), seed=seed)},
        inputs={"x": Normal((3, 2), seed=2)},
        targets=Literal(((1.0,),) * 3),
        loss=mse(reduction),
    )
    return program_digest(case, "float64")


def plain(xp: Any, params: Any, inputs: Any) -> Any:
    return xp.sum(xp.tanh(inputs["x"] * params["w"]), axis=1, keepdims=True)


def renamed(np: Any, theta: Any, data: Any) -> Any:
    """The same computation under other names."""
    z = data["x"] * theta["w"]
    unused_name = np.tanh(z)
    return np.sum(unused_name, axis=1, keepdims=True)


OTHERS = {
    "function": lambda xp, p, i: xp.sum(xp.sin(i["x"] * p["w"]), axis=1, keepdims=True),
    "literal": lambda xp, p, i: xp.sum(xp.tanh(i["x"] * p["w"] * 2.0), axis=1, keepdims=True),
    "operand": lambda xp, p, i: xp.sum(xp.tanh(i["x"] * i["x"]), axis=1, keepdims=True),
    "axis": lambda xp, p, i: xp.sum(xp.tanh(i["x"] * p["w"]), axis=0, keepdims=True)[:, :1] + i["x"][:, :1],
    "entry": lambda xp, p, i: xp.sum(xp.tanh(i["x"] * p["w"]), axis=1, keepdims=True) + i["x"][:, 1:],
    "other entry": lambda xp, p, i: xp.sum(xp.tanh(i["x"] * p["w"]), axis=1, keepdims=True) + i["x"][:, :1],
}


def test_names_do_not_matter() -> None:
    assert digest(plain) == digest(renamed)


@pytest.mark.parametrize("name", OTHERS)
def test_what_computes_something_else_has_another_digest(name: str) -> None:
    assert len({digest(plain), *map(digest, OTHERS.values())}) == 1 + len(OTHERS)
    assert digest(OTHERS[name]) != digest(plain)


def test_data_and_loss_matter() -> None:
    assert len({digest(plain), digest(plain, seed=3), digest(plain, reduction="sum")}) == 3
