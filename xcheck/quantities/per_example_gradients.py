"""The gradient of every example's share of the loss; they sum to the gradient."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from xcheck._lazy import jax, torch
from xcheck.quantities._native import Array, Problem, entries, example_loss, in_both, in_jax, output_of_theta
from xcheck.quantities.jacobian_params import vmap_jacrev
from xcheck.quantity import Quantity, implements

PER_EXAMPLE_GRADIENTS = Quantity(
    name="per_example_gradients",
    formula="g[n, p] = r d l_n / d theta_p",
    shape="n p",
    wrt="params",
    order=1,
    reference=lambda exact: {"": exact.per_example_gradients()},
    guard=lambda probe, claimed: probe.per_example_gradients(claimed[""]),
    flops=lambda s: 2 * s.forward,
    bytes=lambda s: s.itemsize * (s.n + 1) * s.p,
    needs_loss=True,
)


def losses(problem: Problem) -> Callable[[Array], Array]:
    """`r l_n` (n,) as a function of theta."""
    return lambda theta: problem.losses(output_of_theta(problem)(theta), problem.targets)


def example_gradient(problem: Problem) -> Callable[..., Array]:
    """`r grad l_n` (p,) as a function of one example's target and inputs."""

    def loss(theta: Array, target: Array, *inputs: Array) -> Array:
        return problem.losses(problem.f(problem.unflatten(theta), *(x[None] for x in inputs)), target[None])[0]

    return lambda target, *inputs: problem.transforms.grad(loss)(problem.theta, target, *inputs)


@in_both("per_example_gradients", "vmap_grad", needs=("examples",), tier="smoke", compiled=True)
def vmap_grad(problem: Problem) -> Array:
    """The gradient of one example's share, all examples at once."""
    return problem.transforms.vmap(example_gradient(problem))(problem.targets, *problem.inputs)


@in_both("per_example_gradients", "jacrev")
def jacrev(problem: Problem) -> Array:
    """The Jacobian of the n losses, by reverse mode."""
    return problem.transforms.jacrev(losses(problem))(problem.theta)


@in_both("per_example_gradients", "jacfwd", needs=("dense",), tier="full")
def jacfwd(problem: Problem) -> Array:
    """The Jacobian of the n losses, by forward mode."""
    return problem.transforms.jacfwd(losses(problem))(problem.theta)


@in_both("per_example_gradients", "chain", needs=("examples", "single_output"))
def chain(problem: Problem) -> Array:
    """`J_n^T r dl_n/df_n` from the per-example Jacobians."""
    output, xp = problem.f(problem.params, *problem.inputs), problem.xp
    slopes = problem.transforms.vmap(problem.transforms.grad(example_loss(problem)))(output, problem.targets)
    return xp.einsum("ncp,nc->np", vmap_jacrev(problem), xp.reshape(slopes, (output.shape[0], -1)))


@in_jax("per_example_gradients", "loop", needs=("examples",), tier="full")
def jax_loop(problem: Problem) -> Array:
    """The gradient of one example's share, one after the other."""
    return jax.lax.map(lambda one: example_gradient(problem)(*one), (problem.targets, *problem.inputs))


@implements("per_example_gradients", "loop", "torch")
def torch_loop(problem: Problem) -> Array:
    """`autograd.grad` of each of the n losses, one after the other."""
    theta = problem.theta.detach().requires_grad_()
    each = entries(losses(problem)(theta))
    return torch.stack([torch.autograd.grad(loss, theta, retain_graph=True)[0] for loss in each])


@implements(
    "per_example_gradients", "backward", "torch", prepare=lambda problem: copy.deepcopy(problem.module),
    needs=("module", "examples"), tier="standard",
)  # fmt: skip
def backward(problem: Problem, module: Any) -> Array:
    """What a training step of one example does: `.backward()`, `.grad`, `zero_grad()`."""
    rows = []
    for *inputs, target in zip(*problem.inputs, problem.targets, strict=True):
        module.zero_grad()
        problem.losses(module(*(x[None] for x in inputs)), target[None])[0].backward()
        rows.append(problem.flatten({name: param.grad for name, param in module.named_parameters()}))
    return torch.stack(rows)
