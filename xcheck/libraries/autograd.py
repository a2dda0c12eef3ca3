"""torch.autograd.functional (PyTorch): jacobian and hessian of a function of theta (p,), looped and vectorised."""

from __future__ import annotations

from typing import Any

from xcheck._lazy import torch
from xcheck.quantities._along import bare, by_primals, outputs, primals, tangents
from xcheck.quantity import implements

Problem = Any
Tensor = Any


def rows(problem: Problem) -> Any:
    return lambda theta: problem.f(problem.unflatten(theta), *problem.inputs).flatten(1)


@implements("jacobian_params", "functional_jacobian", "torch", needs=("single_output",), tier="standard")
def jacobian_params(problem: Problem) -> Tensor:
    return torch.autograd.functional.jacobian(rows(problem), problem.theta)


@implements("jacobian_params", "functional_jacobian_vectorized", "torch", needs=("single_output",))
def jacobian_params_vectorized(problem: Problem) -> Tensor:
    return torch.autograd.functional.jacobian(rows(problem), problem.theta, vectorize=True)


@implements("hessian_params", "functional_hessian", "torch")
def hessian_params(problem: Problem) -> Tensor:
    return torch.autograd.functional.hessian(problem.objective, problem.theta)


@implements("hessian_params", "functional_hessian_forward", "torch")
def hessian_params_forward(problem: Problem) -> Tensor:
    """Forward over reverse, vectorised."""
    hessian = torch.autograd.functional.hessian
    return hessian(problem.objective, problem.theta, vectorize=True, outer_jacobian_strategy="forward-mode")


def moving(problem: Problem) -> Any:
    return lambda *xs: bare(outputs(problem)(*xs))


@implements("jvp", "functional_jvp", "torch", needs=("single_output",))
def jvp(problem: Problem) -> Tensor:
    """Two pull-backs."""
    return torch.autograd.functional.jvp(moving(problem), primals(problem), tangents(problem))[1]


@implements("vjp", "functional_vjp", "torch", needs=("single_output",))
def vjp(problem: Problem) -> Any:
    found = torch.autograd.functional.vjp(moving(problem), primals(problem), bare(problem.cotangents))[1]
    return by_primals(problem, found)
