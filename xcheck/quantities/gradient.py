"""The gradient of the loss, flat in canonical order."""

from __future__ import annotations

import copy
from typing import Any

from xcheck._lazy import torch
from xcheck.quantities._native import Array, Problem, in_both, output_of_theta
from xcheck.quantity import Quantity, implements

GRADIENT = Quantity(
    name="gradient",
    formula="grad L(theta), L = r sum_n l_n",
    shape="p",
    wrt="params",
    order=1,
    reference=lambda exact: {"": exact.gradient()},
    guard=lambda probe, claimed: probe.gradient(claimed[""]),
    flops=lambda s: 2 * s.forward,
    bytes=lambda s: 2 * s.itemsize * s.p,
    needs_loss=True,
)


@in_both("gradient", "grad", tier="smoke", compiled=True)
def grad(problem: Problem) -> Array:
    """The framework's gradient of `theta -> L`."""
    return problem.transforms.grad(problem.objective)(problem.theta)


@in_both("gradient", "grad_of_params")
def grad_of_params(problem: Problem) -> Array:
    """The gradient by the dict of parameters, put in canonical order."""

    def objective(params: dict[str, Array]) -> Array:
        return problem.loss(problem.f(params, *problem.inputs))

    return problem.flatten(problem.transforms.grad(objective)(problem.params))


@in_both("gradient", "vjp", tier="full")
def vjp(problem: Problem) -> Array:
    """`J^T dL/df`: the gradient at the outputs, pulled back."""
    output, pull = problem.transforms.vjp(output_of_theta(problem), problem.theta)
    return pull(problem.transforms.grad(problem.loss)(output))[0]


@in_both("gradient", "jacfwd", needs=("dense",), tier="full")
def jacfwd(problem: Problem) -> Array:
    """Forward mode, one tangent for each parameter."""
    return problem.transforms.jacfwd(problem.objective)(problem.theta)


@in_both("gradient", "vmap_grad", needs=("examples",))
def vmap_grad(problem: Problem) -> Array:
    """The sum of `r grad l_n`."""

    def loss(theta: Array, target: Array, *inputs: Array) -> Array:
        return problem.losses(problem.f(problem.unflatten(theta), *(x[None] for x in inputs)), target[None])[0]

    axes = (None, *(0 for _ in (problem.targets, *problem.inputs)))
    each = problem.transforms.vmap(problem.transforms.grad(loss), axes)
    return problem.xp.sum(each(problem.theta, problem.targets, *problem.inputs), axis=0)


@implements("gradient", "autograd_grad", "torch", tier="standard")
def autograd_grad(problem: Problem) -> Array:
    """`torch.autograd.grad` of the recorded loss."""
    theta = problem.theta.detach().requires_grad_()
    return torch.autograd.grad(problem.objective(theta), theta)[0]


@implements("gradient", "backward", "torch", prepare=lambda problem: copy.deepcopy(problem.module), needs=("module",))
def backward(problem: Problem, module: Any) -> Array:
    """What a training step does: module, loss module, `.backward()`, `.grad`."""
    module.zero_grad()
    problem.loss_module(module(*problem.inputs), problem.targets).backward()
    return problem.flatten({name: param.grad for name, param in module.named_parameters()})


@implements("gradient", "accumulation", "torch", needs=("examples",), tier="full")
def accumulation(problem: Problem) -> Array:
    """`.backward` of one example's share after the other: `.grad` accumulates them."""
    theta = problem.theta.clone().requires_grad_()
    for *inputs, target in zip(*problem.inputs, problem.targets, strict=True):
        output = problem.f(problem.unflatten(theta), *(x[None] for x in inputs))
        problem.losses(output, target[None])[0].backward()
    return theta.grad
