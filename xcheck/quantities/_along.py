"""What products and derivatives along a direction move: the parameters, or the arguments that a case names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xcheck.quantities._native import Array, Problem, arguments, of_arguments


def moves_params(problem: Problem) -> bool:
    """Whether theta moves; a case whose `wrt` names arguments, or that has no parameters, moves its inputs."""
    return problem.case.wrt == "params" and problem.theta.shape[0] > 0


def primals(problem: Problem) -> tuple[Array, ...]:
    """(theta,), or the arguments."""
    return (problem.theta,) if moves_params(problem) else arguments(problem)


def tangents(problem: Problem) -> tuple[Array, ...]:
    """The case's vectors, one for each primal."""
    names = ("params",) if moves_params(problem) else problem.arguments
    return tuple(problem.tangents[name] for name in names)


def moved(problem: Problem, f: Callable[..., Any]) -> Callable[..., Any]:
    """`f(params, *inputs)` as a function of the primals."""
    if moves_params(problem):
        return lambda theta: f(problem.unflatten(theta), *problem.inputs)
    return of_arguments(problem, lambda *inputs: f(problem.params, *inputs))


def outputs(problem: Problem) -> Callable[..., dict[str, Array]]:
    """Names to outputs, in their own shapes, as a function of the primals."""
    return moved(problem, problem.outputs)


def bare(found: dict[str, Array]) -> Any:
    """Several arrays by name; a single one bare."""
    return found if len(found) > 1 else next(iter(found.values()))


def by_primals(problem: Problem, found: tuple[Array, ...]) -> Any:
    """What is like the primals: (p,), or an array for each argument."""
    return found[0] if moves_params(problem) else bare(dict(zip(problem.arguments, found, strict=True)))


def inner(problem: Problem, left: tuple[Array, ...], right: tuple[Array, ...]) -> Array:
    """`sum_k <left_k, right_k>`."""
    return sum(problem.xp.sum(a * b) for a, b in zip(left, right, strict=True))
