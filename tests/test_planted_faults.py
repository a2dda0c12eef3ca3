"""Faults planted into real implementations of every quantity: each one that does harm turns its cell to `disagrees`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pytest
from zoo import harmful
from zoo.local import stale_aux
from zoo.places import swapped_outputs, transposed_block
from zoo.relatives import other, product
from zoo.right import right, stored
from zoo.running import computed

import xcheck
from xcheck import Literal, Outcome
from xcheck._judge import compare
from xcheck.arrays import rounded
from xcheck.quantities import load_quantities

pytest.importorskip("torch")
pytest.importorskip("jax")

CASES = ("linear_gaussian_3_2", "tanh_mlp", "td_error_aux")
DTYPES = ("float64", "float32")
Leaves = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Fault:
    """What a fault makes of a cell: `exact` of its exact result, `planted` of what an implementation returns."""

    name: str
    exact: Callable
    planted: Callable
    quantities: tuple[str, ...]
    dtypes: tuple[str, ...] = DTYPES


def cut(case):
    """The case without its last example."""
    values = case.values()

    def literal(numbers: np.ndarray) -> Literal:
        return Literal(numbers[:-1].tolist(), dtype="float64")

    return replace(
        case,
        inputs={name: literal(numbers) for name, numbers in values.inputs.items()},
        targets=None if values.targets is None else literal(values.targets),
    )


@cache
def honest(case: str, quantity: str, framework: str, dtype: str) -> Leaves | None:
    return computed(xcheck.load_cases()[case], quantity, framework, dtype)


@cache
def without_last_example(case: str, quantity: str, framework: str, dtype: str) -> Leaves | None:
    """Of a sum over the examples one term less; of results per example the last one is zero."""
    found = computed(cut(xcheck.load_cases()[case]), quantity, framework, dtype)
    if found is None or not load_quantities()[quantity].shape.startswith("n"):
        return found
    return {path: np.concatenate([A, np.zeros_like(A[:1])]) for path, A in found.items()}


def on_result(wrong: Callable) -> dict[str, Callable]:
    """A fault that works on a finished result, the exact one or an implementation's."""

    def exact(case, quantity, dtype):
        return wrong(right(case, quantity, dtype))

    def planted(case, quantity, framework, dtype):
        found = honest(case.name, quantity, framework, dtype)
        return None if found is None else wrong(right(case, quantity, dtype, dict(found)))

    return {"exact": exact, "planted": planted}


def scaled(factor: float) -> Callable:
    return lambda result: {path: factor * A for path, A in result.leaves.items()}


def instead(others: dict[str, Callable]) -> Callable:
    """Another quantity in place of the one asked for."""
    return lambda result: others[result.quantity](result)


def single(case, quantity, framework, dtype):
    """A float64 result that was computed in float32."""
    return honest(case.name, quantity, framework, "float32")


def rounded_to_single(case, quantity, dtype):
    return {path: rounded(A, "float32") for path, A in right(case, quantity, dtype).leaves.items()}


#: The quantities that the three cases above share among them; the zoo plants its defects into the others.
EVERY = (
    "value", "gradient", "jacobian_params", "jacobian_inputs", "jacobian_aux", "hessian_params", "hessian_diagonal",
    "hvp", "ggn", "ggn_diagonal",
)  # fmt: skip
FLAT = tuple(q for q in EVERY if "p" in load_quantities()[q].shape.split())
PER_OUTPUT = tuple(q for q in EVERY if "c" in load_quantities()[q].shape.split())
RELATIVES = {
    "ggn": other("hessian_params"),
    "ggn_diagonal": other("hessian_diagonal"),
    "hessian_params": other("ggn"),
    "hessian_diagonal": other("ggn_diagonal"),
    "hvp": product("ggn"),
}
FAULTS = (
    Fault("factor_2", **on_result(scaled(2.0)), quantities=EVERY),
    Fault("sign", **on_result(scaled(-1.0)), quantities=EVERY),
    Fault("transposed_block", **on_result(transposed_block()), quantities=FLAT),
    Fault("ggn_is_hessian", **on_result(instead(RELATIVES)), quantities=tuple(RELATIVES)),
    Fault("float32_inside", rounded_to_single, single, EVERY, ("float64",)),
    Fault(
        "dropped_example",
        # In float64, and by the other framework than the one that is judged below.
        exact=lambda case, quantity, dtype: without_last_example(case.name, quantity, "jax", "float64"),
        planted=lambda case, quantity, framework, dtype: without_last_example(case.name, quantity, "torch", dtype),
        quantities=EVERY,
    ),
    Fault("swapped_outputs", **on_result(swapped_outputs), quantities=PER_OUTPUT),
    Fault("stale_aux", **on_result(stale_aux), quantities=("jacobian_aux",)),
)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_planted_fault_disagrees_wherever_it_does_harm(fault, record_property):
    killed: dict[str, int] = dict.fromkeys(fault.quantities, 0)
    harmless = []
    for name in CASES:
        case = xcheck.load_cases()[name]
        for quantity in [q for q in fault.quantities if q in case.quantities]:
            for dtype in fault.dtypes:
                reference = xcheck.reference(case, quantity, dtype=dtype)
                changed = fault.exact(case, quantity, dtype)
                if changed is None or not harmful(changed, reference, dtype):
                    harmless.append(f"{name}/{quantity}/{dtype}")
                    continue
                for framework in ("torch", "jax"):
                    wrong = fault.planted(case, quantity, framework, dtype)
                    assert wrong is not None, f"no implementation of {quantity} for {name} in {framework}"
                    arrays = {path: A.astype(np.float64) for path, A in stored(wrong, dtype).items()}
                    verdict = compare(arrays, reference, dtype)
                    assert verdict.outcome is Outcome.DISAGREES, f"{name}/{quantity}/{framework}/{dtype}: {verdict}"
                    killed[quantity] += 1
    record_property("harmless", harmless)
    print(f"{fault.name}: {sum(killed.values())} cells disagree; harmless on {', '.join(harmless) or 'none'}")
    assert all(killed.values()), f"no cell shows {fault.name} in {[q for q, count in killed.items() if not count]}"


def test_the_same_implementations_agree_without_the_fault():
    for name in CASES:
        case = xcheck.load_cases()[name]
        for quantity in [q for q in EVERY if q in case.quantities]:
            for framework in ("torch", "jax"):
                for dtype in DTYPES:
                    found = honest(name, quantity, framework, dtype)
                    assert found is not None
                    arrays = {path: A.astype(np.float64) for path, A in found.items()}
                    verdict = compare(arrays, xcheck.reference(case, quantity, dtype=dtype), dtype)
                    assert verdict, f"{name}/{quantity}/{framework}/{dtype}: {verdict}"
