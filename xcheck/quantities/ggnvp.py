"""The product of the generalised Gauss-Newton matrix with the case's tangent."""

from __future__ import annotations

from xcheck._lazy import jax, torch
from xcheck.quantities._linearize import linearize
from xcheck.quantities._native import Array, Problem, in_both, in_jax, output_of_theta
from xcheck.quantities.ggn import ggn_product, jacobian, output_hessians
from xcheck.quantities.jacobian_params import vmap_jacrev
from xcheck.quantity import Quantity, implements

GGNVP = Quantity(
    name="ggnvp",
    formula="G v = sum_n J_n^T H_n J_n v",
    shape="p",
    wrt="params",
    order=1,
    reference=lambda exact: {"": exact.ggnvp()},
    guard=lambda probe, claimed: probe.ggnvp(claimed[""]),
    flops=lambda s: 3 * s.forward,
    bytes=lambda s: 3 * s.itemsize * s.p,
    needs_loss=True,
)


@in_both("ggnvp", "jvp_vjp", tier="smoke", compiled=True)
def jvp_vjp(problem: Problem) -> Array:
    """`J^T (H_l (J v))`: a forward pass, the loss's own Hessian-vector product, a pull-back."""
    return ggn_product(problem)(problem.tangents["params"])


@in_both("ggnvp", "linearised")
def linearised(problem: Problem) -> Array:
    """`H v` of the loss of the linearised program, `L(f(theta) + J (t - theta))` at t = theta."""
    transforms, f, theta = problem.transforms, output_of_theta(problem), problem.theta

    def objective(t: Array) -> Array:
        output, change = transforms.jvp(f, (theta,), (t - theta,))
        return problem.loss(output + change)

    return transforms.jvp(transforms.grad(objective), (theta,), (problem.tangents["params"],))[1]


@in_both("ggnvp", "jacobian", needs=("examples",))
def jacobian_products(problem: Problem) -> Array:
    """`sum_n J_n^T H_n J_n v` from the per-example Jacobians."""
    J, einsum = vmap_jacrev(problem), problem.xp.einsum
    H = output_hessians(problem, problem.f(problem.params, *problem.inputs))
    u = einsum("ncp,p->nc", J, problem.tangents["params"])
    return einsum("ncp,nc->p", J, einsum("nck,nk->nc", H, u))


@in_both("ggnvp", "full", needs=("dense", "examples"), tier="full")
def full(problem: Problem) -> Array:
    """The whole matrix times v."""
    return problem.xp.matmul(jacobian(problem), problem.tangents["params"])


@in_jax("ggnvp", "linear_transpose")
def jax_linear_transpose(problem: Problem) -> Array:
    """The program linearised once; its transpose pulls back."""
    output, push = jax.linearize(output_of_theta(problem), problem.theta)
    w = jax.linearize(jax.grad(problem.loss), output)[1](push(problem.tangents["params"]))
    return jax.linear_transpose(push, problem.theta)(w)[0]


@implements("ggnvp", "linearize", "torch", tier="full")
def torch_linearize(problem: Problem) -> Array:
    """The program and the gradient of the loss linearised once; the pull-back recorded."""
    f, theta = output_of_theta(problem), problem.theta
    output, pull = problem.transforms.vjp(f, theta)
    w = linearize(torch.func.grad(problem.loss), output)(linearize(f, theta)(problem.tangents["params"]))
    return pull(w)[0]


@implements("ggnvp", "double_backward", "torch")
def double_backward(problem: Problem) -> Array:
    """`autograd.grad` alone: the pull-back is linear in its cotangent, so its own pull-back is `J v`."""
    theta = problem.theta.detach().requires_grad_()
    output = output_of_theta(problem)(theta)
    cotangent = torch.zeros_like(output, requires_grad=True)
    (pulled,) = torch.autograd.grad(output, theta, cotangent, create_graph=True)
    (u,) = torch.autograd.grad(pulled, cotangent, problem.tangents["params"])
    free = output.detach().requires_grad_()
    (slope,) = torch.autograd.grad(problem.loss(free), free, create_graph=True)
    (w,) = torch.autograd.grad(slope, free, u, materialize_grads=True)
    return torch.autograd.grad(output_of_theta(problem)(theta), theta, w)[0]
