"""The Jacobian of the outputs by the parameters, per example."""

from __future__ import annotations

from typing import Any

from xcheck._lazy import jax, torch
from xcheck.quantities._native import CHUNK, Array, Problem, by_params, example, in_both, in_jax, of_theta
from xcheck.quantity import Quantity, implements

JACOBIAN_PARAMS = Quantity(
    name="jacobian_params",
    formula="J[n, c, p] = d f_c(theta, x_n) / d theta_p",
    shape="n c p",
    wrt="params",
    order=1,
    reference=lambda exact: exact.jacobian("params"),
    guard=lambda probe, claimed: probe.jacobian(claimed, "params"),
    flops=lambda s: s.forward,
    bytes=lambda s: s.itemsize * s.n * s.c * s.p,
)


@in_both("jacobian_params", "jacrev", tier="smoke", compiled=True)
def jacrev(problem: Problem) -> Any:
    """Reverse mode over the whole batch: one pull-back for each of the n c outputs."""
    return by_params(problem.transforms.jacrev(of_theta(problem))(problem.theta))


@in_both("jacobian_params", "jacfwd")
def jacfwd(problem: Problem) -> Any:
    """Forward mode over the whole batch: one tangent for each of the p parameters."""
    return by_params(problem.transforms.jacfwd(of_theta(problem))(problem.theta))


@in_both("jacobian_params", "vmap_jacrev", needs=("examples",))
def vmap_jacrev(problem: Problem) -> Any:
    """Reverse mode example by example, by the dict of parameters, put in canonical order."""
    return _per_example(problem, problem.transforms.jacrev)


@in_both("jacobian_params", "vmap_jacfwd", needs=("examples",), tier="full")
def vmap_jacfwd(problem: Problem) -> Any:
    """Forward mode example by example, by the dict of parameters, put in canonical order."""
    return _per_example(problem, problem.transforms.jacfwd)


def _per_example(problem: Problem, jacobian: Any) -> Any:
    axes = (None, *(0 for _ in problem.inputs))
    found = problem.transforms.vmap(jacobian(example(problem)), axes)(problem.params, *problem.inputs)
    lead = {name: next(iter(blocks.values())).shape[:2] for name, blocks in found.items()}
    return by_params({name: problem.flatten(blocks, lead[name]) for name, blocks in found.items()})


@in_both("jacobian_params", "vmap_vjp", needs=("examples",), tier="full")
def vmap_vjp(problem: Problem) -> Any:
    """Example by example, the pull-back of each unit cotangent."""
    transforms = problem.transforms

    def jacobian(*inputs: Array) -> dict[str, Array]:
        def one(name: str) -> Array:
            output, pull = transforms.vjp(
                lambda theta: example(problem)(problem.unflatten(theta), *inputs)[name], problem.theta
            )
            return transforms.vmap(lambda cotangent: pull(cotangent)[0])(problem.identity(output.shape[0]))

        return {name: one(name) for name in problem.cotangents}

    return by_params(transforms.vmap(jacobian)(*problem.inputs))


@implements("jacobian_params", "loop", "torch")
def torch_loop(problem: Problem) -> Any:
    """`autograd.grad` of each output of each example, one after the other."""
    theta = problem.theta.detach().requires_grad_()

    def gradients(output: Array) -> Array:
        cotangents = problem.identity(output.numel()).reshape(-1, *output.shape)
        each = [torch.autograd.grad(output, theta, cotangent, retain_graph=True)[0] for cotangent in cotangents]
        return torch.stack(each).reshape(*output.shape, -1)

    return by_params({name: gradients(output) for name, output in of_theta(problem)(theta).items()})


@in_jax("jacobian_params", "loop", tier="full")
def jax_loop(problem: Problem) -> Any:
    """The pull-back of each unit cotangent, one after the other."""

    def gradients(name: str) -> Array:
        output, pull = jax.vjp(lambda theta: of_theta(problem)(theta)[name], problem.theta)
        cotangents = problem.identity(output.size).reshape(-1, *output.shape)
        return jax.lax.map(lambda cotangent: pull(cotangent)[0], cotangents).reshape(*output.shape, -1)

    return by_params({name: gradients(name) for name in problem.cotangents})


@implements("jacobian_params", "backward", "torch", tier="full")
def backward(problem: Problem) -> Any:
    """`.backward` of each output of each example, with `.grad` read and cleared between them."""
    theta = problem.theta.clone().requires_grad_()

    def gradient(y: Array) -> Array:
        theta.grad = None
        y.backward(retain_graph=True)
        return torch.zeros_like(theta) if theta.grad is None else theta.grad

    found = of_theta(problem)(theta)
    each = {name: torch.stack([gradient(y) for y in output.reshape(-1)]) for name, output in found.items()}
    return by_params({name: J.reshape(*found[name].shape, -1) for name, J in each.items()})


@implements("jacobian_params", "jacrev_chunks", "torch", tier="full")
def jacrev_chunks(problem: Problem) -> Any:
    """`jacrev(chunk_size=...)`: so many pull-backs at a time."""
    return by_params(torch.func.jacrev(of_theta(problem), chunk_size=CHUNK)(problem.theta))


@implements("jacobian_params", "functional_call", "torch", needs=("module", "examples"), tier="full")
def functional_call(problem: Problem) -> Any:
    """`vmap(jacrev(functional_call))` as users of modules write it."""
    (x,) = problem.inputs

    def f(params: dict[str, Array], x: Array) -> Array:
        return torch.func.functional_call(problem.module, params, (x[None],)).reshape(-1)

    blocks = torch.func.vmap(torch.func.jacrev(f), (None, 0))(problem.params, x)
    return problem.flatten(blocks, next(iter(blocks.values())).shape[:2])


@implements("jacobian_params", "functional", "torch", tier="full")
def functional(problem: Problem) -> Any:
    """`torch.autograd.functional.jacobian`, one row after the other."""
    return _functional(problem, vectorize=False)


@implements("jacobian_params", "functional_vectorized", "torch", tier="standard")
def functional_vectorized(problem: Problem) -> Any:
    """`torch.autograd.functional.jacobian`, vectorised."""
    return _functional(problem, vectorize=True)


def _functional(problem: Problem, *, vectorize: bool) -> Any:
    def jacobian(name: str) -> Array:
        return torch.autograd.functional.jacobian(
            lambda theta: of_theta(problem)(theta)[name], problem.theta, vectorize=vectorize
        )

    return by_params({name: jacobian(name) for name in problem.cotangents})
