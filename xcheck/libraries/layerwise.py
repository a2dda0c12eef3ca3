"""xcheck.layerwise, adapted like any other library: its conventions are ours, so nothing is scaled or moved.

Only its theta is larger where a parameter is frozen: it holds those, too.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from xcheck._errors import Unsupported
from xcheck._lazy import LazyModule, torch
from xcheck._problem import Problem
from xcheck.quantity import QUANTITIES, implements

layerwise = LazyModule("xcheck.layerwise")
Array = Any  # torch.Tensor

NEEDS = ("module", "single_output", "single_argument", "examples")
#: What `layerwise.fused` has kernels for: a GGN of at most two outputs, diagonals of narrow layers, products of all.
#: Networks of the benchmark are named by their widths.
FEW_OUTPUTS = "linear_gaussian*,tanh_mlp,tanh_mlp_trained,relu_at_kinks,mlp_2_*_1_n*"
NARROW = f"{FEW_OUTPUTS},relu,tanh_mlp_*,two_linear_layers,four_linear_layers,large_logits"
ANY_WIDTH = f"{NARROW},deep_mlp*,digits_mlp*,mlp_*"


def batch(problem: Problem) -> tuple[Any, Any, Any, dict[str, Any]]:
    """Module, inputs, targets, and the loss as a keyword; the case's Gaussian likelihood is the engine's own."""
    loss = problem.loss_module
    if hasattr(loss, "noise_var"):
        loss = layerwise.GaussianNLL(loss.noise_var)
    return problem.module, problem.inputs[0], problem.targets, {"loss": loss}


@lru_cache(maxsize=1)  # a benchmark asks in every run
def trainable(problem: Problem) -> Array:
    """Whether the parameter is trainable, for each entry of the engine's theta."""
    params = problem.module.parameters()
    return torch.cat([torch.full((p.numel(),), p.requires_grad, device=p.device) for p in params])


def without_frozen(problem: Problem, found: Array, axes: str) -> Array:
    """A result with these axes, such as "n p", without the entries of frozen parameters along each p."""
    kept = trainable(problem)
    if len(kept) == len(problem.theta):
        return found
    for axis, name in enumerate(axes.split()):
        if name == "p":
            found = found.index_select(axis, kept.nonzero()[:, 0])
    return found


def tangent(problem: Problem) -> Array:
    """The tangent of all parameters: zero for the frozen ones."""
    kept, v = trainable(problem), problem.tangents["params"]
    return v if len(kept) == len(v) else v.new_zeros(kept.shape).masked_scatter(kept, v)


def of_loss(quantity: str, function: str, **options: Any) -> Callable[[Problem], Any]:
    """Registers `layerwise.<function>(module, x, y, loss=loss, **options)`."""

    @implements(quantity, "layerwise", "torch", needs=(*NEEDS, "loss"))
    def implementation(problem: Problem) -> Array:
        module, x, y, loss = batch(problem)
        found = getattr(layerwise, function)(module, x, y, **loss, **options)
        return without_frozen(problem, found, QUANTITIES[quantity].shape)

    return implementation


gradient = of_loss("gradient", "gradient")
per_example_gradients = of_loss("per_example_gradients", "per_example_gradients")
ggn = of_loss("ggn", "ggn")
ggn_diagonal = of_loss("ggn_diagonal", "ggn_diagonal")
ggn_diagonal_backprop = of_loss("ggn_diagonal_backprop", "ggn_diagonal_backprop")
hessian_params = of_loss("hessian_params", "hessian")
hessian_diagonal = of_loss("hessian_diagonal", "hessian_diagonal")
empirical_fisher = of_loss("empirical_fisher", "empirical_fisher")
empirical_fisher_diagonal = of_loss("empirical_fisher_diagonal", "empirical_fisher", structure="diagonal")


def by_kernels(quantity: str, plain: Callable[..., Any], cases: str, **options: Any) -> None:
    """Registers a way once more, through the kernels of `layerwise.fused`."""

    @implements(quantity, "layerwise_fused", "torch", cases=cases, **options)
    def implementation(problem: Problem, *prepared: Array) -> Array:
        with layerwise.fused() as missing:
            if missing:
                raise Unsupported(missing)
            return plain(problem, *prepared)


by_kernels("ggn", ggn, FEW_OUTPUTS, needs=(*NEEDS, "loss"))
by_kernels("ggn_diagonal", ggn_diagonal, NARROW, needs=(*NEEDS, "loss"))
by_kernels("hessian_diagonal", hessian_diagonal, NARROW, needs=(*NEEDS, "loss"))


@implements("jacobian_params", "layerwise", "torch", needs=NEEDS)
def jacobian_params(problem: Problem) -> Array:
    """`J` by weights."""
    return without_frozen(problem, layerwise.jacobian(problem.module, problem.inputs[0]), "n c p")


def preallocated(problem: Problem) -> Array:
    """Room for `J[n, c, p]`: fresh memory of this size costs more than the arithmetic."""
    c = next(iter(problem.cotangents.values()))[0].numel()
    return problem.theta.new_empty((problem.case.n, c, len(trainable(problem))))


@implements("jacobian_params", "layerwise_reused", "torch", needs=NEEDS, prepare=preallocated)
def jacobian_params_reused(problem: Problem, out: Array) -> Array:
    """`J` by weights, written over the last one."""
    return without_frozen(problem, layerwise.jacobian(problem.module, problem.inputs[0], out=out), "n c p")


by_kernels("jacobian_params", jacobian_params_reused, ANY_WIDTH, needs=NEEDS, prepare=preallocated)


@implements("jacobian_inputs", "layerwise", "torch", needs=NEEDS)
def jacobian_inputs(problem: Problem) -> Array:
    """`J` by inputs."""
    return layerwise.jacobian(problem.module, problem.inputs[0], wrt="input")


@implements("jvp", "layerwise", "torch", needs=NEEDS)
def jvp(problem: Problem) -> Array:
    """`J v` of the parameters' tangent, in the shape of the output."""
    found = layerwise.jvp(problem.module, problem.inputs[0], tangent(problem))
    return problem.xp.reshape(found, next(iter(problem.cotangents.values())).shape)


@implements("vjp", "layerwise", "torch", needs=NEEDS)
def vjp(problem: Problem) -> Array:
    """`sum_n w_n^T J_n`."""
    each = layerwise.vjp(problem.module, problem.inputs[0], next(iter(problem.cotangents.values())))
    return without_frozen(problem, problem.xp.sum(each, axis=0), "p")


@implements("hvp", "layerwise", "torch", needs=(*NEEDS, "loss"))
def hvp(problem: Problem) -> Array:
    """`H v` by the R-operator."""
    module, x, y, loss = batch(problem)
    return without_frozen(problem, layerwise.hvp(module, x, y, tangent(problem), **loss), "p")


@implements("ggnvp", "layerwise", "torch", needs=(*NEEDS, "loss"))
def ggnvp(problem: Problem) -> Array:
    """`G v` by one pass forward and one back."""
    module, x, y, loss = batch(problem)
    return without_frozen(problem, layerwise.ggnvp(module, x, y, tangent(problem), **loss), "p")


by_kernels("hvp", hvp, ANY_WIDTH, needs=(*NEEDS, "loss"))
by_kernels("ggnvp", ggnvp, ANY_WIDTH, needs=(*NEEDS, "loss"))


@implements("hessian_trace", "layerwise", "torch", needs=(*NEEDS, "loss"))
def hessian_trace(problem: Problem) -> Array:
    """The sum of the Hessian's diagonal."""
    return problem.xp.sum(hessian_diagonal(problem))


@implements("kfac_factors", "layerwise", "torch", needs=(*NEEDS, "loss"))
def kfac_factors(problem: Problem) -> dict[str, Array]:
    """`A` and `B` of each linear layer, by the root of the loss's Hessian (KFLR)."""
    module, x, y, loss = batch(problem)
    factors = layerwise.kfac(module, x, y, fisher="exact", **loss)
    return {
        f"{layer}.{name}".removeprefix("."): M
        for layer, AB in factors.items()
        for name, M in zip("AB", AB, strict=True)
    }


@implements("ggn_blocks", "layerwise", "torch", needs=(*NEEDS, "loss"))
def ggn_blocks(problem: Problem) -> dict[str, Array]:
    """A layer's block cut into one for each of its parameters."""
    module, x, y, loss = batch(problem)
    return by_parameter(module, layerwise.ggn(module, x, y, structure="blocks", **loss))


@implements("hessian_blocks", "layerwise", "torch", needs=(*NEEDS, "loss"))
def hessian_blocks(problem: Problem) -> dict[str, Array]:
    """A layer's block cut into one for each of its parameters."""
    module, x, y, loss = batch(problem)
    return by_parameter(module, layerwise.hessian(module, x, y, structure="blocks", **loss))


def by_parameter(module: Any, blocks: dict[str, Array]) -> dict[str, Array]:
    """`{parameter: (b, b)}` of `{layer: (q, q)}`, without the frozen ones."""
    found = {}
    for name, block in blocks.items():
        start = 0
        for parameter, values in module.get_submodule(name).named_parameters(recurse=False):
            inner = slice(start, start + values.numel())
            if values.requires_grad:
                found[f"{name}.{parameter}" if name else parameter] = block[inner, inner]
            start = inner.stop
    return found
