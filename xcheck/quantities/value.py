"""The outputs of the program."""

from __future__ import annotations

import copy
from typing import Any

from xcheck._lazy import torch
from xcheck.program import split_aux
from xcheck.quantities._native import Array, Problem, in_both
from xcheck.quantity import Quantity, implements

VALUE = Quantity(
    name="value",
    formula="f(theta, x)",
    shape="n c",
    wrt="none",
    order=0,
    reference=lambda exact: exact.value(),
    guard=lambda probe, claimed: probe.value(claimed),
    flops=lambda s: s.forward,
    bytes=lambda s: s.itemsize * (s.n * s.c + s.p),
)


def _tree(outputs: dict[str, Array]) -> Any:
    return outputs if len(outputs) > 1 else next(iter(outputs.values()))


@in_both("value", "program", eager="standard")
def program(problem: Problem) -> Any:
    """The program as it is declared, against array API names."""
    case = problem.case
    output = case.program(problem.xp, problem.params, dict(zip(case.inputs, problem.inputs, strict=True)))
    return _tree(split_aux(output)[0])


@in_both("value", "f", tier="smoke", eager="standard", compiled=True)
def f(problem: Problem) -> Any:
    """The framework's own program: a functional call of the module, or what the case gives as native."""
    return _tree(problem.outputs(problem.params, *problem.inputs))


@in_both("value", "vmap", needs=("examples",))
def vmap(problem: Problem) -> Any:
    """One example at a time."""

    def one(*inputs: Array) -> dict[str, Array]:
        outputs = problem.outputs(problem.params, *(x[None] for x in inputs))
        return {name: output[0] for name, output in outputs.items()}

    return _tree(problem.transforms.vmap(one)(*problem.inputs))


@in_both("value", "primal")
def primal(problem: Problem) -> Any:
    """What a pull-back returns beside itself: the value seen by reverse mode."""
    return _tree(
        problem.transforms.vjp(lambda theta: problem.outputs(problem.unflatten(theta), *problem.inputs), problem.theta)[
            0
        ]
    )


@implements("value", "module", "torch", prepare=lambda problem: copy.deepcopy(problem.module), needs=("module",))
def module(problem: Problem, module: Any) -> Array:
    """The module called as its users call it."""
    with torch.no_grad():
        return module(*problem.inputs)
