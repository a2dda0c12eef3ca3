"""The product of the Hessian of the loss with the case's tangent."""

from __future__ import annotations

import warnings

from xcheck._lazy import jax, torch
from xcheck.quantities._native import NORMS, Array, Problem, hvp_reverse_over_forward, in_both, in_jax, miscompiled
from xcheck.quantity import Quantity, implements
from xcheck.result import Limitation

HVP = Quantity(
    name="hvp",
    formula="H v",
    shape="p",
    wrt="params",
    order=2,
    reference=lambda exact: {"": exact.hvp()},
    guard=lambda probe, claimed: probe.hvp(claimed[""]),
    flops=lambda s: 4 * s.forward,
    bytes=lambda s: 3 * s.itemsize * s.p,
    needs_loss=True,
)


MISCOMPILED = miscompiled(
    "attention,average_pool_overlapping,batch_norm_*,digits_mlp*,embedding,group_norm,instance_norm,large_logits,"
    "layer_norm,recurrent,relu,residual,rms_norm,shared_linear,tanh_mlp_classifier*"
)


@in_both("hvp", "forward_over_reverse", tier="smoke", compiled=True, compiled_limitations=(MISCOMPILED,))
def forward_over_reverse(problem: Problem) -> Array:
    """`jvp(grad(L))`."""
    transforms = problem.transforms
    return transforms.jvp(transforms.grad(problem.objective), (problem.theta,), (problem.tangents["params"],))[1]


@in_both("hvp", "reverse_over_forward", torch_limitations=NORMS)
def reverse_over_forward(problem: Problem) -> Array:
    """`grad` of `theta -> dL(theta) v`."""
    return hvp_reverse_over_forward(problem, problem.objective, problem.theta, problem.tangents["params"])


@in_both("hvp", "reverse_over_reverse")
def reverse_over_reverse(problem: Problem) -> Array:
    """`grad` of `theta -> grad L(theta) . v`."""
    transforms = problem.transforms

    def slope(theta: Array) -> Array:
        return problem.xp.sum(transforms.grad(problem.objective)(theta) * problem.tangents["params"])

    return transforms.grad(slope)(problem.theta)


@implements("hvp", "linearize", "torch", tier="standard")
def torch_linearize(problem: Problem) -> Array:
    """The gradient linearised once, then applied to v."""
    with warnings.catch_warnings():
        # torch.func.linearize folds constants with torch.fx, which warns about its own graph.
        warnings.filterwarnings("ignore", "Attempted to insert a get_attr Node", UserWarning)
        _, product = torch.func.linearize(torch.func.grad(problem.objective), problem.theta)
        return product(problem.tangents["params"])


@in_jax("hvp", "linearize")
def jax_linearize(problem: Problem) -> Array:
    """The gradient linearised once, then applied to v."""
    _, product = jax.linearize(jax.grad(problem.objective), problem.theta)
    return product(problem.tangents["params"])


@in_both("hvp", "full", needs=("dense",), tier="full", torch_limitations=NORMS)
def full(problem: Problem) -> Array:
    """The whole Hessian times v."""
    H = problem.transforms.hessian(problem.objective)(problem.theta)
    return problem.xp.matmul(H, problem.tangents["params"])


@implements("hvp", "double_backward", "torch")
def double_backward(problem: Problem) -> Array:
    """`autograd.grad` twice."""
    theta = problem.theta.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(problem.objective(theta), theta, create_graph=True)
    return torch.autograd.grad(gradient, theta, problem.tangents["params"], materialize_grads=True)[0]


@implements("hvp", "functional_hvp", "torch", tier="full")
def functional_hvp(problem: Problem) -> Array:
    """`torch.autograd.functional.hvp`: the double-backward trick, three passes."""
    return torch.autograd.functional.hvp(problem.objective, problem.theta, problem.tangents["params"])[1]


@implements("hvp", "functional_vhp", "torch", tier="full")
def functional_vhp(problem: Problem) -> Array:
    """`torch.autograd.functional.vhp`: `v^T H`, two passes."""
    return torch.autograd.functional.vhp(problem.objective, problem.theta, problem.tangents["params"])[1]


@implements(
    "hvp", "module", "torch", needs=("loss", "module", "examples"), tier="standard",
    limitations=(
        Limitation(
            "forward over reverse through F.mse_loss(reduction='mean') raises 'ZeroTensors are immutable'",
            "docs/findings.md#zerotensors-are-immutable", outcome="raised",
            case="tanh_mlp,tanh_mlp_trained,tanh_mlp_along_*,tanh_mlp_regression,frozen_middle,head_first,"
            "td_semigradient,two_linear_layers,four_linear_layers",
        ),
    ),
)  # fmt: skip
def module(problem: Problem) -> Array:
    """`jvp(grad(L))` as users of modules write it: a functional call, and the loss module."""
    (x,), v = problem.inputs, problem.unflatten(problem.tangents["params"])

    def objective(params: dict[str, Array]) -> Array:
        return problem.loss_module(torch.func.functional_call(problem.module, params, (x,)), problem.targets)

    return problem.flatten(torch.func.jvp(torch.func.grad(objective), (problem.params,), (v,))[1])
