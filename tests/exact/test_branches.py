"""Programs that branch on values: decided on whole balls in every arithmetic, or refused; never a fixed branch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import xcheck
from xcheck import Case, Literal
from xcheck._errors import Undecidable
from xcheck._lazy import installed
from xcheck.exact.balls import Balls
from xcheck.exact.certify import certify, margin
from xcheck.exact.namespace import Namespace
from xcheck.program import mse
from xcheck.quantities import load_quantities

FRAMEWORKS = [name for name in ("torch", "jax") if installed(name)]
X = ((0.5, -1.0, 2.0), (1.5, 0.25, -0.75))


def case(program: Callable[..., Any], w: Any = (0.5, -1.5, 2.0), x: Any = X, **more: Any) -> Case:
    return Case(
        name="branching", program=lambda xp, params, inputs: program(xp, params["w"], inputs["x"]),
        params={"w": Literal(w)}, inputs={"x": Literal(x)}, targets=Literal(((0.25,), (1.0,))), loss=mse(), **more,
    )  # fmt: skip


def summed(xp: Any, y: Any) -> Any:
    return xp.sum(y, axis=1, keepdims=True)


def by_sum(xp: Any, w: Any, x: Any) -> Any:
    if xp.sum(w) > 0:
        return summed(xp, x * w)
    return summed(xp, x - w)


def by_entry(xp: Any, w: Any, x: Any) -> Any:
    return summed(xp, x * max(w[0], w[1], w[2]) + min(w[0], w[1]) * w)


def by_logic(xp: Any, w: Any, x: Any) -> Any:
    return summed(xp, x * w if (w[1] < 0 and not w[0] < 0) or w[2] == 1.0 else w + x)


def chained(xp: Any, w: Any, x: Any) -> Any:
    return summed(xp, x * xp.tanh(w)) if 0 < w[0] < 1 else summed(xp, x * w)


def sorted_entries(xp: Any, w: Any, x: Any) -> Any:
    least, middle, most = sorted([w[0], w[1], w[2]])
    return summed(xp, x * least + middle * most)


def truth_of_a_number(xp: Any, w: Any, x: Any) -> Any:
    return summed(xp, x * w) if w[0] else summed(xp, x + w)


def reduced(xp: Any, w: Any, x: Any) -> Any:
    return summed(xp, x * w) if xp.any(w < 0) and not xp.all(w < 0) else summed(xp, x + w)


def equal_masked(xp: Any, w: Any, x: Any) -> Any:
    return summed(xp, xp.where(x == 0.5, xp.tanh(w), w * w) + xp.where(x != -1.0, w, w * x))


def joined(xp: Any, w: Any, x: Any) -> Any:
    inside = xp.logical_and(x > -0.75, x <= 0.5) | ~(x >= -0.75)
    return summed(xp, xp.where(inside, w * w, xp.sin(w)))


def counted(xp: Any, w: Any, x: Any) -> Any:
    return summed(xp, w * x) * xp.sum(x > 0) + summed(xp, 1.0 * (x > 0) * w * w)


def masked_mean(xp: Any, w: Any, x: Any) -> Any:
    kept = xp.where(x > 0, 1.0, 0.0)
    return summed(xp, kept * x * w) / summed(xp, kept)


PROGRAMS = (
    by_sum, by_entry, by_logic, chained, sorted_entries, truth_of_a_number, reduced, equal_masked, joined, counted,
    masked_mean,
)  # fmt: skip
QUANTITIES = ("value", "gradient", "jacobian_params", "hvp", "hessian_params")


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_a_program_that_branches_is_certified_and_the_frameworks_agree(program, framework, tmp_path, monkeypatch):
    monkeypatch.setenv("XCHECK_CACHE", str(tmp_path))
    one = case(program)
    certify(one, [load_quantities()[name] for name in QUANTITIES])
    problem = xcheck.problem(one, "gradient", framework)
    with problem.precision():
        problem.check(problem.transforms.grad(problem.objective)(problem.theta))
    problem = xcheck.problem(one, "value", framework)
    with problem.precision():
        problem.check(problem.f(problem.params, *problem.inputs))


@pytest.mark.parametrize(
    ("program", "w", "value"),
    [
        (lambda xp, w, x: summed(xp, x * w) if w[0] > 0 else summed(xp, x - w), (0.0, 1.0, 2.0), (-1.5, -2.0)),
        (lambda xp, w, x: summed(xp, x * w) if w[0] >= 0 else summed(xp, x - w), (0.0, 1.0, 2.0), (3.0, -1.25)),
        (lambda xp, w, x: summed(xp, xp.where(w == 0.0, 1.0, x * w)), (0.0, 1.0, 2.0), (4.0, -0.25)),
        (lambda xp, w, x: summed(xp, xp.where((w > 0) | (w > 1), w, x)), (0.0, 1.0, 2.0), (3.5, 4.5)),
        (lambda xp, w, x: summed(xp, xp.where((w >= 0) & (x > 0), w, x)), (0.0, 1.0, 2.0), (1.0, 0.25)),
    ],
)
def test_an_exact_tie_has_a_value_and_no_derivative(program, w, value):
    one = case(program, w)
    found = certify(one, [load_quantities()["value"]])["value"][""].value
    assert found.ravel().tolist() == list(value)
    with pytest.raises(Undecidable):
        certify(one, [load_quantities()["gradient"]])


def test_a_mask_among_the_data_is_no_kink():
    """It ties by being a mask, and does not move."""

    def program(xp, w, x):
        return summed(xp, xp.where(x == 1.0, w * w, xp.where(x > 0.0, xp.sin(w), -w)))

    one = case(program, x=((1.0, 0.0, 1.0), (0.0, 1.0, 0.5)))
    certify(one, [load_quantities()[name] for name in QUANTITIES])


def test_what_balls_do_not_decide_is_refused():
    def program(xp, w, x):
        return summed(xp, x * w) if xp.sum(xp.nn.softmax(w)) == 1.0 else summed(xp, x + w)

    with pytest.raises(Undecidable, match="sign of"):
        certify(case(program), [load_quantities()["value"]])


def test_a_branch_is_seen_by_the_margin():
    """1.5 + 2^-20 against 1.5: a unit of bfloat16 flips it, and one of float32 does not."""
    close = case(by_sum, (1.5 + 2.0**-20, -1.5, 0.0))
    assert 0 < margin(close) < 2.0**-20
    assert margin(case(by_sum)) > 0.1


def test_a_mixture_is_no_choice():
    xp = Namespace(Balls())
    with pytest.raises(xcheck.CaseError, match="expected a comparison"):
        xp.where(np.array([0.5, 1.0]), 1.0, 2.0)
