"""Finite differences in place of derivatives, in the dtype that is judged, with the steps in common use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from xcheck._lazy import torch
from xcheck._problem import adapter, problem
from xcheck._tree import leaves
from xcheck.quantities._along import bare, moved, moves_params, primals, tangents
from xcheck.quantities._line import line, zero
from xcheck.quantities._native import by_params, rows
from zoo._defect import Defect, Right
from zoo.running import small

#: More coordinates than this are not moved one by one.
COORDINATES = 500
#: `slope(f, x, v, h)` approximates the derivative of f at x along v.
Slope = Callable[[Callable, Any, Any, float], Any]


def forward(f, x, v, h):
    return mapped(lambda a, b: (a - b) / h, f(x + h * v), f(x))


def central(f, x, v, h):
    return mapped(lambda a, b: (a - b) / (2 * h), f(x + h * v), f(x - h * v))


def mapped(combine, a, b):
    return {name: combine(a[name], b[name]) for name in a} if isinstance(a, Mapping) else combine(a, b)


def along(cell, slope, h):
    """`jvp`: the outputs along the case's tangent."""
    if not moves_params(cell):
        return None
    (x,), (v,) = primals(cell), tangents(cell)
    return bare(slope(moved(cell, cell.outputs), x, v, h))


def coordinates(cell, slope, h, f):
    """The derivative of f(theta) along every unit vector, stacked in front."""
    if cell.case.p > COORDINATES:
        return None
    return cell.chunked(lambda e: slope(f, cell.theta, e, h), 64)(cell.identity(cell.case.p))


def gradient(cell, slope, h):
    return coordinates(cell, slope, h, cell.objective)


def jacobian_params(cell, slope, h):
    found = coordinates(cell, slope, h, lambda theta: rows(cell.outputs(cell.unflatten(theta), *cell.inputs), cell.xp))
    return None if found is None else by_params({name: torch.movedim(J, 0, -1) for name, J in found.items()})


def jacobian_inputs(cell, slope, h):
    """One argument, one entry of it at a time in all examples at once: no example looks at another."""
    if len(cell.arguments) > 1 or "jacobian_batch" in cell.case.quantities:
        return None
    (x,) = cell.inputs
    if x[0].numel() > COORDINATES:
        return None

    def f(x):
        return next(iter(rows(cell.outputs(cell.params, x), cell.xp).values()))

    units = [e.reshape(x[0].shape).expand(x.shape) for e in cell.identity(x[0].numel())]
    return torch.stack([slope(f, x, e, h) for e in units], dim=-1)


def hvp(cell, slope, h):
    return slope(torch.func.grad(cell.objective), cell.theta, cell.tangents["params"], h)


def hessian_params(cell, slope, h):
    return coordinates(cell, slope, h, torch.func.grad(cell.objective))


def hessian_diagonal(cell, slope, h):
    H = hessian_params(cell, slope, h)
    return None if H is None else torch.diagonal(H)


def hessian_trace(cell, slope, h):
    H = hessian_params(cell, slope, h)
    return None if H is None else torch.trace(H)


def third_derivative(cell, slope, h):
    """The difference of second derivatives along the tangent."""
    g, t = line(cell), zero(cell)
    one = torch.ones_like(t)

    def second(s):
        return torch.func.jvp(lambda r: torch.func.jvp(g, (r,), (one,))[1], (s,), (one,))[1]

    return bare(slope(second, t, one, h))


BY_QUANTITY = {
    "jvp": along,
    "gradient": gradient,
    "jacobian_params": jacobian_params,
    "jacobian_inputs": jacobian_inputs,
    "hvp": hvp,
    "hessian_params": hessian_params,
    "hessian_diagonal": hessian_diagonal,
    "hessian_trace": hessian_trace,
    "third_derivative": third_derivative,
}


def differences(slope: Slope, step: Callable[[float], float]):
    """With the step that belongs to the dtype's distance from 1 to the next number."""

    def wrong(right: Right):
        if not small(right.case):
            return None
        # The program itself: PyTorch's batch normalisation as a module refuses to be mapped over directions.
        if right.case.p == 0 and right.quantity != "jacobian_inputs":
            return None
        cell = replace(problem(right.case, right.quantity, "torch", dtype=right.dtype), module=None)
        with cell.precision(), torch.no_grad():
            found = BY_QUANTITY[right.quantity](cell, slope, step(float(np.finfo(right.dtype).eps)))
        return None if found is None else dict(leaves(adapter("torch").to_numpy(found)))

    return wrong


QUANTITIES = " ".join(BY_QUANTITY)
#: Of a linear program a difference consists of few bits, as float32 numbers do; both are said to be possible.
TRUE = ("few_entries", "wrong_block", "wrong_examples", "precision")


def defect(name: str, slope: Slope, step: Callable[[float], float], told: bool = True) -> Defect:
    return Defect(name, differences(slope, step), ("finite_difference",), QUANTITIES, also=TRUE, told=told)


DIFFERENCES = (
    defect("forward_difference_1e-4", forward, lambda eps: 1e-4),
    # In float64 the step is 2^-26, and large entries might as well be numbers of few bits.
    defect("forward_difference_of_root", forward, lambda eps: eps ** (1 / 2), told=False),
    defect("central_difference_1e-6", central, lambda eps: 1e-6),
    defect("central_difference_1e-3", central, lambda eps: 1e-3),
    defect("central_difference_of_root", central, lambda eps: eps ** (1 / 3)),
)
