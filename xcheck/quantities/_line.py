"""Derivatives along one direction: `d^k/dt^k g(t)` at 0, with `g(t) = L(x + t v)`, in every mode.

Where a case has no loss, g is an output; reverse mode then differentiates `<w, g(t)>`, which is linear in w, so that
its gradient by w is the derivative of g itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xcheck._lazy import jax, torch
from xcheck.quantities._along import bare, moved, primals, tangents
from xcheck.quantities._native import Array, Problem, in_both, in_jax
from xcheck.quantity import implements

Outputs = dict[str, Array]
LOSS = "loss"


def line(problem: Problem) -> Callable[[Array], Outputs]:
    """`g(t)`: the loss, or names to outputs, at `x + t v`."""

    def f(params: Outputs, *inputs: Array) -> Outputs:
        if problem.case.loss is None:
            return problem.outputs(params, *inputs)
        return {LOSS: problem.loss(problem.f(params, *inputs))}

    def g(t: Array) -> Outputs:
        return moved(problem, f)(*(x + t * v for x, v in zip(primals(problem), tangents(problem), strict=True)))

    return g


def zero(problem: Problem) -> Array:
    """t = 0, a number of the dtype of the problem."""
    return problem.xp.sum(problem.xp.zeros_like(primals(problem)[0]))


def forward(problem: Problem, order: int) -> Any:
    """Forward mode, `order` times."""
    g = line(problem)
    for _ in range(order):
        g = _slope(problem, g)
    return bare(g(zero(problem)))


def reverse(problem: Problem, order: int) -> Any:
    """Reverse mode, `order` times."""
    return _weighted(problem, line(problem), order)


def reverse_over_forward(problem: Problem, order: int) -> Any:
    """Reverse mode over `order - 1` times forward mode."""
    g = line(problem)
    for _ in range(order - 1):
        g = _slope(problem, g)
    return _weighted(problem, g, 1)


def forward_over_reverse(problem: Problem, order: int) -> Any:
    """`order - 1` times forward mode over reverse mode."""

    def first(t: Array) -> Outputs:
        return _pulled(problem, line(problem), 1, t)

    slopes: Callable[[Array], Outputs] = first
    for _ in range(order - 1):
        slopes = _slope(problem, slopes)
    return bare(slopes(zero(problem)))


def _slope(problem: Problem, g: Callable[[Array], Outputs]) -> Callable[[Array], Outputs]:
    return lambda t: problem.transforms.jvp(g, (t,), (problem.xp.ones_like(t),))[1]


def _weighted(problem: Problem, g: Callable[[Array], Outputs], order: int) -> Any:
    return bare(_pulled(problem, g, order, zero(problem)))


def _pulled(problem: Problem, g: Callable[[Array], Outputs], order: int, t: Array) -> Outputs:
    """The derivative of that order at t, by the gradient in t of `<w, g(t)>` and then in w."""
    grad, xp = problem.transforms.grad, problem.xp

    def weighted(t: Array, w: Outputs) -> Array:
        return sum(xp.sum(output * w[name]) for name, output in g(t).items())

    for _ in range(order):
        weighted = grad(weighted)
    return grad(lambda w: weighted(t, w))({name: xp.ones_like(output) for name, output in g(t).items()})


def autograd(problem: Problem, order: int) -> Any:
    """`torch.autograd.grad` with `create_graph`, again and again."""
    t = zero(problem).requires_grad_()
    found = {}
    for name, output in line(problem)(t).items():
        w = torch.ones_like(output, requires_grad=True)
        slope = torch.sum(w * output)
        for _ in range(order):
            slope = _again(slope, t)
        found[name] = _again(slope, w).detach()
    return bare(found)


def _again(slope: Array, x: Array) -> Array:
    """The derivative by x; zero where a polynomial has come to its end and its slope no longer depends on anything."""
    if not slope.requires_grad:
        return torch.zeros_like(x)
    return torch.autograd.grad(slope, x, create_graph=True, materialize_grads=True)[0]


def taylor(problem: Problem, order: int) -> Any:
    """`jax.experimental.jet`: one pass with Taylor series."""
    from jax.experimental.jet import jet

    t = zero(problem)
    series = [jax.numpy.ones_like(t), *(jax.numpy.zeros_like(t) for _ in range(order - 1))]
    return bare({name: terms[order - 1] for name, terms in jet(line(problem), (t,), (series,))[1].items()})


def register(quantity: str, *, order: int) -> None:
    """Registers every mode for a quantity of this order."""

    def of_order(function: Callable[[Problem, int], Any]) -> Callable[[Problem], Any]:
        def at_order(problem: Problem) -> Any:
            return function(problem, order)

        at_order.__doc__, at_order.__module__ = function.__doc__, f"xcheck.quantities.{quantity}"
        return at_order

    in_both(quantity, "forward", tier="smoke", compiled=True)(of_order(forward))
    in_both(quantity, "reverse_over_forward")(of_order(reverse_over_forward))
    in_both(quantity, "forward_over_reverse")(of_order(forward_over_reverse))
    in_both(quantity, "reverse", tier="full")(of_order(reverse))
    implements(quantity, "autograd_grad", "torch")(of_order(autograd))
    in_jax(quantity, "taylor", tier="full")(of_order(taylor))
