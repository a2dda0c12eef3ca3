"""How fast the layerwise engine is, against the ways that PyTorch and JAX offer, and against the machine.

`python -m pytest tests/benchmarks/test_layerwise_speed.py --benchmark-only` prints the table of targets with today's
ratios. Rounds alternate: one block of the baseline, one of ours; the figure is the median of the paired ratios of CPU
time, so that a neighbour at work slows both. Where there is a C++ compiler, `layerwise.fused` has a column of its own.
Nothing here fails for being slow: the table says what is reached.
"""

from __future__ import annotations

import gc
import importlib.util
import os
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import cycle, pairwise

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, hessian, jacrev, jvp, vmap

import xcheck
from xcheck import layerwise

ROUNDS = 31
BLOCK_SECONDS = 3e-3

Compute = Callable[[], object]


@dataclass
class Setting:
    """A tanh network with MSE in float32, as a module and as functions of flat parameters."""

    sizes: tuple[int, ...]
    n: int

    def __post_init__(self) -> None:
        generator = torch.Generator().manual_seed(0)
        layers = [[nn.Linear(a, b), nn.Tanh()] for a, b in pairwise(self.sizes)]
        self.module = nn.Sequential(*[layer for pair in layers for layer in pair][:-1])
        self.x = torch.randn(self.n, self.sizes[0], generator=generator)
        self.y = torch.randn(self.n, self.sizes[-1], generator=generator)
        self.loss = nn.MSELoss()
        named = dict(self.module.named_parameters())
        self.names, self.shapes = list(named), [p.shape for p in named.values()]
        self.counts = [p.numel() for p in named.values()]
        self.theta = torch.cat([p.detach().flatten() for p in named.values()])
        self.v = torch.randn(len(self.theta), generator=generator)

    def f(self, theta: Tensor, x: Tensor) -> Tensor:
        """The network as a function of theta."""
        parts = [part.view(shape) for part, shape in zip(theta.split(self.counts), self.shapes, strict=True)]
        return functional_call(self.module, dict(zip(self.names, parts, strict=True)), (x,))

    def objective(self, theta: Tensor) -> Tensor:
        """The loss as a function of theta; written out, since jvp of grad of `mse_loss` raises in torch 2.13."""
        return (self.f(theta, self.x) - self.y).square().mean()


SMALL = Setting((1, 10, 10, 1), 1000)
MIDDLE = Setting((64, 256, 256, 10), 128)
NETS = {"small": SMALL, "middle": MIDDLE}


def ours(s: Setting) -> dict[str, Compute]:
    """The engine's way of every quantity."""
    args = (s.module, s.x, s.y)
    return {
        "ggn_diagonal": lambda: layerwise.ggn_diagonal(*args, loss=s.loss),
        "hessian_diagonal": lambda: layerwise.hessian_diagonal(*args, loss=s.loss),
        "hessian": lambda: layerwise.hessian(*args, loss=s.loss),
        "ggn": lambda: layerwise.ggn(*args, loss=s.loss),
        "hvp": lambda: layerwise.hvp(*args, s.v, loss=s.loss),
        "ggnvp": lambda: layerwise.ggnvp(*args, s.v, loss=s.loss),
        "jacobian": lambda: layerwise.jacobian(s.module, s.x),
    }


def fused(compute: Compute) -> Compute:
    """The same by compiled kernels."""

    def call() -> object:
        with layerwise.fused():
            return compute()

    return call


#: What the kernels compute; of the small network only, or of both.
FUSED = {"small": ("ggn_diagonal", "hessian_diagonal", "ggn", "hvp", "ggnvp"), "middle": ("hvp", "ggnvp", "jacobian")}


def ways(quantity: str, net: str) -> list[Compute]:
    """The engine without kernels, and with them where they are made for it and there is a compiler."""
    plain = ours(NETS[net])[quantity]
    with layerwise.fused() as missing:
        return [plain, fused(plain)] if quantity in FUSED[net] and not missing else [plain]


def by_torch_func(s: Setting) -> dict[str, Compute]:
    """torch.func's ways."""

    def jacobian() -> Tensor:
        return vmap(jacrev(lambda theta, one: s.f(theta, one[None])[0]), in_dims=(None, 0))(s.theta, s.x)

    def ggn() -> Tensor:
        rows = jacobian().flatten(0, 1)
        return rows.t() @ rows * (2 / s.y.numel())

    return {
        "ggn_diagonal": lambda: jacobian().square().sum((0, 1)) * (2 / s.y.numel()),
        "hessian_diagonal": lambda: hessian(s.objective)(s.theta).diagonal(),
        "hessian": lambda: hessian(s.objective)(s.theta),
        "ggn": ggn,
        "hvp": lambda: jvp(grad(s.objective), (s.theta,), (s.v,))[1],
        "jacobian": jacobian,
    }


def by_autograd(s: Setting) -> dict[str, Compute]:
    """Eager autograd: double backward, and the trick of two backward passes for `J v`."""
    parameters = list(s.module.parameters())

    def hvp() -> object:
        first = torch.autograd.grad(s.loss(s.module(s.x), s.y), parameters, create_graph=True)
        return torch.autograd.grad(torch.cat([part.flatten() for part in first]) @ s.v, parameters)

    def ggnvp() -> object:
        f = s.module(s.x)
        u = torch.zeros_like(f, requires_grad=True)
        back = torch.autograd.grad(f, parameters, u, create_graph=True)
        (forward,) = torch.autograd.grad(torch.cat([part.flatten() for part in back]) @ s.v, u)
        return torch.autograd.grad(f, parameters, forward * (2 / s.y.numel()))

    return {"hvp": hvp, "ggnvp": ggnvp}


def by_jax(s: Setting) -> dict[str, Compute]:
    """JAX under jit, everything an argument."""
    import jax
    import jax.numpy as jnp

    arrays = [jnp.asarray(p.detach().numpy()) for p in s.module.parameters()]
    tangents = [
        jnp.asarray(part.view(shape).numpy()) for part, shape in zip(s.v.split(s.counts), s.shapes, strict=True)
    ]
    x, y = jnp.asarray(s.x.numpy()), jnp.asarray(s.y.numpy())

    def f(params: list, x: object) -> object:
        for i in range(0, len(params) - 2, 2):
            x = jnp.tanh(x @ params[i].T + params[i + 1])
        return x @ params[-2].T + params[-1]

    def objective(params: list, x: object, y: object) -> object:
        return jnp.mean((f(params, x) - y) ** 2)

    def ggnvp(params: list, v: list, x: object) -> object:
        out, push = jax.linearize(lambda p: f(p, x), params)
        return jax.linear_transpose(push, params)(push(v) * (2 / out.size))

    hvp = jax.jit(lambda p, v, x, y: jax.jvp(lambda q: jax.grad(objective)(q, x, y), (p,), (v,))[1])
    product, full = jax.jit(ggnvp), jax.jit(jax.hessian(objective))
    return {
        "hvp": lambda: jax.block_until_ready(hvp(arrays, tangents, x, y)),
        "ggnvp": lambda: jax.block_until_ready(product(arrays, tangents, x)),
        "hessian": lambda: jax.block_until_ready(full(arrays, x, y)),
    }


def by_roofline(s: Setting) -> dict[str, Compute]:
    """The matrix products alone that the GGN diagonal needs: forward, columns back, squares against squares."""
    a, c = s.sizes, s.sizes[-1]
    square = [(torch.ones(o, i), torch.ones(i, s.n)) for i, o in pairwise(a)]
    columns = [(torch.ones(i, o), torch.ones(o, c * s.n)) for i, o in list(pairwise(a))[1:-1]]
    sums = [(torch.ones(o, s.n), torch.ones(s.n, i)) for i, o in pairwise(a)]
    pairs = [*square, *columns, *sums]
    return {"ggn_diagonal": lambda: [left @ right for left, right in pairs]}


BASELINES = {"torch.func": by_torch_func, "autograd": by_autograd, "jax jit": by_jax, "gemm": by_roofline}
TARGETS = [
    ("ggn_diagonal", "middle", "torch.func", 100.0), ("ggn_diagonal", "middle", "gemm", 0.5),
    ("ggn_diagonal", "small", "torch.func", 8.0), ("hessian_diagonal", "small", "torch.func", 100.0),
    ("hessian_diagonal", "small", "own hvp", 1 / 1.6), ("hessian_diagonal", "middle", "own hvp", 1 / 1.6),
    ("hessian", "small", "torch.func", 8.0), ("hessian", "small", "jax jit", 3.0), ("ggn", "small", "torch.func", 5.0),
    ("hvp", "small", "autograd", 1.5), ("hvp", "middle", "autograd", 1.5), ("hvp", "small", "jax jit", 1.0),
    ("hvp", "middle", "jax jit", 1.0), ("ggnvp", "small", "autograd", 1.5), ("ggnvp", "middle", "autograd", 1.5),
    ("ggnvp", "small", "jax jit", 1.0), ("ggnvp", "middle", "jax jit", 1.0), ("jacobian", "small", "torch.func", 5.0),
    ("jacobian", "middle", "torch.func", 5.0),
]  # fmt: skip


@dataclass
class Table:
    """What was measured, printed when the module is done."""

    rows: list[tuple[str, str, str, float, list[float]]] = field(default_factory=list)

    def lines(self) -> Iterator[str]:
        """One line a target."""
        yield f"{'quantity':18}{'network':9}{'baseline':14}{'target':>8}{'plain':>8}{'fused':>8}"
        for quantity, net, baseline, target, ratios in self.rows:
            mark = "" if max(ratios) >= target else "  missed"
            yield f"{quantity:18}{net:9}{baseline:14}{target:8.2f}" + "".join(f"{r:8.2f}" for r in ratios) + mark


@pytest.fixture(scope="module")
def table(request: pytest.FixtureRequest) -> Iterator[Table]:
    """Skips unless benchmarks were asked for; one core, one thread and no denormals while it lasts."""
    if not request.config.getoption("--benchmark-only", default=False):
        pytest.skip("benchmarks run with --benchmark-only")
    threads, cores = torch.get_num_threads(), os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
    if cores:  # before JAX is imported, which sizes its pool by it
        os.sched_setaffinity(0, {max(cores)})
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    found = Table()
    yield found
    torch.set_flush_denormal(False)
    torch.set_num_threads(threads)
    if cores:
        os.sched_setaffinity(0, cores)
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        print("", *found.lines(), sep="\n")


def seconds(compute: Compute, repeats: int) -> float:
    """CPU time of one call, from a block of them; without the garbage collector, as timeit does."""
    gc.disable()
    start = time.process_time()
    for _ in range(repeats):
        compute()
    taken = (time.process_time() - start) / repeats
    gc.enable()
    return taken


def repeats(compute: Compute) -> int:
    """How many calls make a block that the clock can measure."""
    compute()
    return max(1, round(BLOCK_SECONDS / max(seconds(compute, 1), 1e-6)))


def test_the_small_network_is_right_before_it_is_timed() -> None:
    for quantity, name in (("ggn_diagonal", "ggn_diagonal"), ("hessian_params", "hessian"), ("ggn", "ggn")):
        problem = xcheck.problem("tanh_mlp", quantity, "torch", dtype="float32")
        result = getattr(layerwise, name)(problem.module, problem.inputs[0], problem.targets, loss=problem.loss_module)
        problem.check(result)


@pytest.mark.parametrize(("quantity", "net", "baseline", "target"), TARGETS)
def test_against(
    quantity: str, net: str, baseline: str, target: float, table: Table, benchmark: Callable[..., None]
) -> None:
    if baseline == "jax jit" and importlib.util.find_spec("jax") is None:
        pytest.skip("jax is not installed")
    rivals = ways("hvp", net) if baseline == "own hvp" else [BASELINES[baseline](NETS[net])[quantity]]
    blocks = [
        (theirs, repeats(theirs), mine, repeats(mine))
        for mine, theirs in zip(ways(quantity, net), cycle(rivals), strict=False)
    ]
    slow = seconds(rivals[0], 1) > 0.5
    pairs: list[list[float]] = []

    def one_round() -> None:
        pairs.append([seconds(theirs, often) / seconds(mine, count) for theirs, often, mine, count in blocks])

    benchmark.pedantic(one_round, rounds=5 if slow else ROUNDS, iterations=1)
    ratios = [statistics.median(way) for way in zip(*pairs, strict=True)]
    benchmark.extra_info.update(quantity=quantity, network=net, baseline=baseline, target=target, ratios=ratios)
    table.rows.append((quantity, net, baseline, target, ratios))


@pytest.mark.parametrize(("baseline", "target"), [("fill", 0.8), ("torch.func", 5.0)])
def test_large_jacobian_over_the_last_one(
    baseline: str, target: float, table: Table, benchmark: Callable[..., None]
) -> None:
    s = MIDDLE
    out = torch.zeros(s.n, s.sizes[-1], len(s.theta))
    theirs = (lambda: out.fill_(1.0)) if baseline == "fill" else by_torch_func(s)["jacobian"]
    mine = [lambda: layerwise.jacobian(s.module, s.x, out=out)]
    with layerwise.fused() as missing:
        mine += [] if missing else [fused(mine[0])]
    pairs: list[list[float]] = []

    def one_round() -> None:
        reference = seconds(theirs, 1)
        pairs.append([reference / seconds(way, 1) for way in mine])

    benchmark.pedantic(one_round, rounds=9, iterations=1)
    ratios = [statistics.median(way) for way in zip(*pairs, strict=True)]
    benchmark.extra_info.update(quantity="jacobian", network="middle", baseline=baseline, target=target, ratios=ratios)
    table.rows.append(("jacobian out=", "middle", baseline, target, ratios))
