"""Random programs of Python's operators: exact values are NumPy's to the judge's units, or the program is refused."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from xcheck import Case, Integers, Normal
from xcheck._dtypes import UNIT
from xcheck._errors import XCheckError
from xcheck._judge import LIMIT
from xcheck.exact.certify import certify
from xcheck.quantities import load_quantities

INPUTS = {"x": Normal((3, 4), seed=1), "y": Normal((3, 1), seed=2), "z": Normal((3,), seed=3, mean=2.0, scale=0.25)}
COUNTS = {"k": Integers((3,), seed=4, low=0, high=3), "m": Integers((3, 4), seed=5, low=1, high=4)}
NUMBERS = (0, 1, 2, -1, 0.5, 2.0, -0.25, 3, np.float32(0.3), np.int64(2), True)
BINARY = (
    operator.add, operator.sub, operator.mul, operator.truediv, operator.pow, operator.matmul, operator.floordiv,
    operator.mod, operator.gt, operator.le, operator.eq, operator.ne,
)  # fmt: skip
#: What is made of two values and a number; everything that Python can write between them.
STEPS: dict[str, Callable[[Any, Any, Any, Any], Any]] = {
    **{f.__name__: lambda xp, a, b, c, f=f: f(a, b) for f in BINARY},
    "add_number": lambda xp, a, b, c: a + c,
    "number_minus": lambda xp, a, b, c: c - a,
    "times_number": lambda xp, a, b, c: c * a,
    "over_number": lambda xp, a, b, c: a / c,
    "number_over": lambda xp, a, b, c: c / a,
    "power_number": lambda xp, a, b, c: a**c,
    "number_power": lambda xp, a, b, c: c**a,
    "negative": lambda xp, a, b, c: -a,
    "absolute": lambda xp, a, b, c: abs(a),
    "inverted": lambda xp, a, b, c: ~(a > b),
    "both": lambda xp, a, b, c: (a > c) & (b <= c),
    "either": lambda xp, a, b, c: (a == c) | (b > c),
    "where": lambda xp, a, b, c: xp.where(a > b, a, c),
    "where_equal": lambda xp, a, b, c: xp.where(a == c, a + 1, b),
    "mask": lambda xp, a, b, c: (a > b) * a,
    "if_sum": lambda xp, a, b, c: a * 2 if xp.sum(a) > xp.sum(b) else b,
    "if_chained": lambda xp, a, b, c: a - b if -1 < xp.sum(a) < 5 else a + b,
    "if_any": lambda xp, a, b, c: a * a if xp.any(a > c) and not xp.all(b > c) else a,
    "max_python": lambda xp, a, b, c: max(xp.sum(a), xp.sum(b)),
    "sorted_python": lambda xp, a, b, c: sorted([xp.sum(a), xp.sum(b), xp.sum(a * b)])[1],
    "sum_python": lambda xp, a, b, c: sum(list(a)),
    "first": lambda xp, a, b, c: a[0],
    "last": lambda xp, a, b, c: a[..., -1],
    "new_axis": lambda xp, a, b, c: a[..., None],
    "reversed": lambda xp, a, b, c: a[::-1],
    "chosen": lambda xp, a, b, c: a[b],
    "sum": lambda xp, a, b, c: xp.sum(a, axis=0),
    "mean": lambda xp, a, b, c: xp.mean(1.0 * a),
    "most": lambda xp, a, b, c: xp.max(a, axis=-1),
    "stacked": lambda xp, a, b, c: xp.stack([a, b]),
    "transposed": lambda xp, a, b, c: a.T @ b,
    "tanh": lambda xp, a, b, c: xp.tanh(1.0 * a),
    "clipped": lambda xp, a, b, c: xp.clip(a, -0.5, 1.5),
    "larger": lambda xp, a, b, c: xp.maximum(a, b),
}

Step = tuple[str, int, int, Any]


def drawn(random: np.random.Generator) -> list[Step]:
    """Steps that refer to the inputs and to what earlier steps made; later values are likelier."""
    names, steps = list(STEPS), []
    for k in range(len(INPUTS) + len(COUNTS), len(INPUTS) + len(COUNTS) + int(random.integers(2, 6))):
        a, b = (int(k * random.random() ** 0.5) for _ in range(2))
        steps.append((names[random.integers(len(names))], a, b, NUMBERS[random.integers(len(NUMBERS))]))
    return steps


def run(xp: Any, steps: list[Step], inputs: Any) -> Any:
    values = list(inputs.values())
    for name, a, b, c in steps:
        values.append(STEPS[name](xp, values[a], values[b], c))
    return xp.reshape(1.0 * values[-1], (1, -1))


def by_numpy(steps: list[Step]) -> np.ndarray | None:
    """NumPy's result; None where it has none, or none that is finite."""
    try:
        found = np.asarray(run(np, steps, {name: d.make() for name, d in (INPUTS | COUNTS).items()}), np.float64)
    except (TypeError, ValueError, IndexError, ZeroDivisionError):
        return None
    return found if np.isfinite(found).all() and found.size else None


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy's own, of powers and divisions without a value
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("seed", range(4))
def test_exact_values_are_numpys_or_refused(seed: int) -> None:
    random, judged, valued, said = np.random.default_rng(seed), 0, 0, []
    for _ in range(100):
        steps = drawn(random)
        expected = by_numpy(steps)
        case = Case(
            name="drawn", program=lambda xp, params, inputs, s=steps: run(xp, s, inputs), params={},
            inputs=INPUTS | COUNTS, wrt="x",
        )  # fmt: skip
        valued += expected is not None
        try:
            found = certify(case, [load_quantities()["value"]])["value"][""]
        except XCheckError as refused:
            said.append(str(refused))
            continue
        if expected is None:
            continue
        judged += 1
        assert found.value.shape == expected.shape, steps
        allowed = LIMIT * UNIT["float64"] * np.maximum(found.scale, np.abs(found.value)) + found.radius
        assert np.all(np.abs(found.value - expected) <= allowed), steps
    assert not any("\n" in line for line in said)
    assert 2 * judged > valued > 20
