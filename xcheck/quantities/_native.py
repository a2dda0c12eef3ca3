"""What implementations share: one text for both frameworks, examples one at a time, and the paths of a result."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, TypeVar

from xcheck.quantity import implements
from xcheck.result import Limitation

Problem = Any  # xcheck.Problem, which stands above this room
Array = Any  # torch.Tensor or jax.Array
F = TypeVar("F", bound=Callable[..., Any])

#: Directions at once: all p of them would hold p copies of the activations.
CHUNK = 64
#: From small to large, as `xcheck.run` knows them.
TIERS = ("smoke", "standard", "full")


#: What nested transforms of torch.func run into.
BATCH_NORM = Limitation(
    "nested transforms of torch.func through batch normalisation in training are wrong",
    "docs/findings.md#pytorch-second-derivatives-through-batch-normalisation-in-training-are-wrong",
    outcome="disagrees", case="batch_norm_train,instance_norm",
)  # fmt: skip
LAYER_NORM = Limitation(
    "nested transforms of torch.func through layer normalisation are wrong",
    "docs/findings.md#pytorch-nested-transforms-of-torchfunc-through-layer-normalisation-are-wrong-torchfunchessian-too",
    outcome="disagrees", case="layer_norm,attention",
)  # fmt: skip
NORMS = (BATCH_NORM, LAYER_NORM)


def miscompiled(cases: str) -> Limitation:
    """Where TorchInductor fuses what it must not; the other cases with a cross-entropy are fused otherwise."""
    return Limitation(
        "compiled forward over reverse through logsumexp minus a gathered logit is wrong",
        "docs/findings.md#pytorch-a-compiled-hessian-vector-product-is-wrong", outcome="disagrees", case=cases,
    )  # fmt: skip


def in_both(
    quantity: str,
    name: str,
    *,
    needs: tuple[str, ...] = (),
    cases: str = "*",
    tier: str = "standard",
    eager: str = "full",
    compiled: bool = False,
    compiled_needs: tuple[str, ...] = (),
    torch_limitations: tuple[Limitation, ...] = (),
    compiled_limitations: tuple[Limitation, ...] = (),
) -> Callable[[F], F]:
    """Registers one text with PyTorch and with JAX, there jitted and, from the tier `eager` on, eager.

    `compiled` registers it under `torch.compile`, too, in the full tier, with needs and limitations of its own besides.
    JAX eager compiles each operation for itself, 40 ms apiece: most of it is for the full tier.
    """

    def register(function: F) -> F:
        both: dict[str, Any] = {"needs": needs, "cases": cases}
        ours = {**both, "limitations": torch_limitations}
        implements(quantity, name, "torch", tier=tier, **ours)(function)
        if compiled:
            both_limitations = (*torch_limitations, *compiled_limitations)
            implements(
                quantity, name, "torch", variants=("compile",), tier="full", needs=(*needs, *compiled_needs),
                cases=cases, limitations=both_limitations,
            )(function)  # fmt: skip
        return in_jax(quantity, name, tier=tier, eager=eager, **both)(function)

    return register


def in_jax(
    quantity: str, name: str, *, tier: str = "standard", eager: str = "full", **options: Any
) -> Callable[[F], F]:
    """Registers one text with JAX: jitted, and eager from a larger tier on."""

    def register(function: F) -> F:
        implements(quantity, name, "jax", variants=("jit",), tier=tier, **options)(function)
        return implements(quantity, name, "jax", tier=max(tier, eager, key=TIERS.index), **options)(function)

    return register


def rows(outputs: Mapping[str, Array], xp: Any) -> dict[str, Array]:
    """Each output as (n, c), its axes beyond the batch flattened."""
    return {name: xp.reshape(output, (output.shape[0], -1)) for name, output in outputs.items()}


def batch(problem: Problem) -> Callable[..., dict[str, Array]]:
    """`f(params, *inputs)`: names to outputs (n, c)."""
    return lambda params, *inputs: rows(problem.outputs(params, *inputs), problem.xp)


def example(problem: Problem) -> Callable[..., dict[str, Array]]:
    """`f(params, *inputs)` of one example without its batch axis: names to outputs (c,)."""

    def f(params: Mapping[str, Array], *inputs: Array) -> dict[str, Array]:
        outputs = batch(problem)(params, *(x[None] for x in inputs))
        return {name: output[0] for name, output in outputs.items()}

    return f


def of_theta(problem: Problem) -> Callable[[Array], dict[str, Array]]:
    """The whole batch as a function of theta (p,): names to outputs (n, c)."""
    return lambda theta: batch(problem)(problem.unflatten(theta), *problem.inputs)


def of_arguments(problem: Problem, f: Callable[..., Any]) -> Callable[..., Any]:
    """`f(*inputs)` as a function of the differentiated arguments alone."""

    def g(*arguments: Array) -> Any:
        inputs = list(problem.inputs)
        for position, argument in zip(problem.argnums, arguments, strict=True):
            inputs[position] = argument
        return f(*inputs)

    return g


def arguments(problem: Problem) -> tuple[Array, ...]:
    """The arrays that derivatives by inputs are for."""
    return tuple(problem.inputs[position] for position in problem.argnums)


def output_of_theta(problem: Problem) -> Callable[[Array], Array]:
    """The one output, as the loss takes it, as a function of theta."""
    return lambda theta: problem.f(problem.unflatten(theta), *problem.inputs)


def example_loss(problem: Problem) -> Callable[..., Array]:
    """`r l_n` as a function of one example's output (c...) and target."""
    return lambda output, target: problem.losses(output[None], target[None])[0]


def every(problem: Problem, f: Callable[[Array], Any]) -> Any:
    """`f(e_i)` for every unit vector e_i of theta, stacked, CHUNK of them at a time."""
    return problem.chunked(f, CHUNK)(problem.identity(problem.theta.shape[0]))


def hvp_reverse_over_forward(problem: Problem, f: Callable[[Array], Array], x: Array, v: Array) -> Array:
    """`H v` of a scalar f at x: the gradient of `x -> df(x) v`."""
    transforms = problem.transforms
    return transforms.grad(lambda y: transforms.jvp(f, (y,), (v,))[1])(x)


def hessian_reverse_over_forward(problem: Problem, f: Callable[[Array], Array], x: Array) -> Array:
    """Row i is `H e_i`, all i at once; `jacrev(jacfwd(f))` would hold the activations once for each of d^2 entries."""
    row = partial(hvp_reverse_over_forward, problem, f, x)
    return problem.transforms.vmap(row)(problem.identity(x.shape[0]))


def entries(values: Array) -> Iterator[Array]:
    """The entries of a torch vector by index: iterating unbinds it, and each backward pass would build all n again."""
    return (values[i] for i in range(values.shape[0]))


def by_params(found: Mapping[str, Array]) -> Any:
    """The tree of a derivative by the parameters: `output/params`, or bare for one output."""
    return tree({name: {"params": array} for name, array in found.items()})


def by_arguments(problem: Problem, found: Mapping[str, tuple[Array, ...]]) -> Any:
    """The tree of a derivative by the inputs: `output/argument`, or bare for one of each; leaves become (n, c, d)."""
    xp = problem.xp

    def flat(array: Array) -> Array:
        return xp.reshape(array, (*array.shape[:2], -1))

    return tree({name: dict(zip(problem.arguments, map(flat, arrays), strict=True)) for name, arrays in found.items()})


def tree(found: Mapping[str, Mapping[str, Array]]) -> Any:
    """Leaves keyed `output/argument`, or the bare array where there is one of each."""
    leaves = {f"{output}/{argument}": array for output, part in found.items() for argument, array in part.items()}
    return leaves if len(leaves) > 1 else next(iter(leaves.values()))
