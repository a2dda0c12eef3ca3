"""Every layer that has a rule, between two linear ones: each quantity of the engine against torch.func, by the judge.

The rounding scale is the root mean square over some networks nearby: of what torch.func itself loses in float32, and of
its response to the relative change of the numbers, which is what another order of summation may lose.
"""

from collections import Counter
from collections.abc import Callable
from typing import Self

import numpy as np
import pytest
import torch
from judging import leaf
from torch import Tensor, nn
from torch.func import functional_call, hessian, jacrev

from xcheck import layerwise
from xcheck._dtypes import UNIT
from xcheck._judge import compare
from xcheck._reference import Reference
from xcheck.layerwise import modules
from xcheck.layerwise._registry import _LAYERS

Make = Callable[[], nn.Module]
LAYERS: dict[str, tuple[Make, tuple[int, ...]]] = {
    "tanh": (nn.Tanh, (3,)),
    "sigmoid": (nn.Sigmoid, (3,)),
    "silu": (nn.SiLU, (3,)),
    "gelu": (nn.GELU, (3,)),
    "gelu_tanh": (lambda: nn.GELU(approximate="tanh"), (3,)),
    "softplus": (lambda: nn.Softplus(beta=2.0), (3,)),
    "softplus_threshold": (lambda: nn.Softplus(beta=2.0, threshold=0.5), (6,)),
    "relu": (nn.ReLU, (6,)),
    "leaky_relu": (lambda: nn.LeakyReLU(0.3), (6,)),
    "elu": (lambda: nn.ELU(alpha=1.5), (6,)),
    "selu": (nn.SELU, (6,)),
    "softmax": (lambda: nn.Softmax(dim=-1), (3,)),
    # Behind the linear layer alone its bias would cancel, and entries that are zero have no size of rounding.
    "softmax_of_channels": (lambda: nn.Sequential(nn.Tanh(), nn.Softmax(dim=1)), (2, 3)),
    "log_softmax": (lambda: nn.LogSoftmax(dim=1), (3,)),
    "sin": (modules.Sin, (3,)),
    "exp": (modules.Exp, (3,)),
    "trunc_exp": (lambda: modules.TruncExp(limit=0.5), (6,)),
    "l2_norm": (lambda: modules.L2Norm(eps=0.1), (2, 2)),
    "layer_norm": (lambda: nn.LayerNorm(4), (4,)),
    "layer_norm_of_two_axes": (lambda: nn.LayerNorm((2, 3), elementwise_affine=False), (2, 3)),
    "rms_norm": (lambda: nn.RMSNorm(4, eps=1e-3), (4,)),
    "group_norm": (lambda: nn.GroupNorm(2, 4), (4, 2)),
    "batch_norm_1d": (lambda: nn.BatchNorm1d(3), (3, 2)),
    "batch_norm_2d": (lambda: nn.BatchNorm2d(2, affine=False), (2, 2, 2)),
    "batch_norm_3d": (lambda: nn.BatchNorm3d(2), (2, 1, 2, 2)),
    "linear_on_tokens": (lambda: nn.Linear(3, 2), (2, 3)),
    "curved_tokens": (lambda: nn.Sequential(nn.Tanh(), nn.Linear(3, 2), nn.Tanh()), (2, 3)),
    "curved_channels": (lambda: nn.Sequential(nn.Tanh(), nn.Conv1d(2, 1, 2), nn.Tanh()), (2, 4)),
    "conv_1d": (lambda: nn.Conv1d(2, 2, 2, stride=2, padding=1), (2, 4)),
    "conv_2d": (lambda: nn.Conv2d(2, 2, 2, groups=2, padding_mode="reflect", padding=1), (2, 3, 2)),
    "conv_3d": (lambda: nn.Conv3d(1, 2, 2, bias=False), (1, 2, 2, 3)),
    "conv_transpose_1d": (lambda: nn.ConvTranspose1d(2, 3, 2, stride=3, output_padding=2), (2, 3)),
    "conv_transpose_2d": (lambda: nn.ConvTranspose2d(1, 2, 2, stride=3, padding=1, output_padding=(2, 1)), (1, 2, 3)),
    "conv_transpose_3d": (lambda: nn.ConvTranspose3d(1, 1, 2, dilation=2), (1, 1, 2, 2)),
    "avg_pool_1d": (lambda: nn.AvgPool1d(2, stride=1, padding=1, count_include_pad=False), (2, 4)),
    "avg_pool_2d": (lambda: nn.AvgPool2d(2, padding=1, divisor_override=3), (1, 3, 4)),
    "avg_pool_3d": (lambda: nn.AvgPool3d(2, stride=1, ceil_mode=True), (1, 2, 2, 3)),
    "adaptive_avg_pool_1d": (lambda: nn.AdaptiveAvgPool1d(2), (2, 5)),
    "adaptive_avg_pool_2d": (lambda: nn.AdaptiveAvgPool2d((2, 1)), (1, 3, 4)),
    "adaptive_avg_pool_3d": (lambda: nn.AdaptiveAvgPool3d(1), (2, 2, 1, 2)),
    "max_pool_1d": (lambda: nn.MaxPool1d(3, stride=1, dilation=2), (1, 7)),
    "max_pool_2d": (lambda: nn.MaxPool2d(2, padding=1), (1, 3, 4)),
    "max_pool_3d": (lambda: nn.MaxPool3d(2, stride=1), (1, 2, 2, 3)),
    "adaptive_max_pool_1d": (lambda: nn.AdaptiveMaxPool1d(2), (2, 5)),
    "adaptive_max_pool_2d": (lambda: nn.AdaptiveMaxPool2d((2, 1)), (1, 3, 4)),
    "adaptive_max_pool_3d": (lambda: nn.AdaptiveMaxPool3d(1), (2, 2, 1, 2)),
    "upsample": (lambda: nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True), (1, 2, 3)),
    "upsample_nearest": (lambda: nn.Upsample(size=(3, 2)), (1, 2, 3)),
    "unflatten": (lambda: nn.Unflatten(1, (2, 2)), (4,)),
    "reshape": (lambda: modules.Reshape(3, 2), (2, 3)),
    "skip": (lambda: modules.Skip(nn.Linear(3, 3), nn.Tanh()), (3,)),
    "skip_concat": (lambda: modules.SkipConcat(nn.Tanh(), nn.Linear(3, 2)), (3,)),
    "dropout": (nn.Dropout, (3,)),
    "sequential": (lambda: nn.Sequential(nn.Tanh(), nn.Linear(3, 2), nn.Sigmoid()), (3,)),
}
#: Their inputs are integers, or they are the identity in evaluation like Dropout; test_layerwise_exact.py has the rest.
ELSEWHERE = {
    nn.Embedding, nn.Identity, nn.Flatten, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout,
    nn.FeatureAlphaDropout,
}  # fmt: skip
N, NEAR, RUNS = 3, 2.0**-14, 8
LOSS = nn.MSELoss(reduction="sum")
Results = dict[str, Tensor]


class WrittenOut(nn.LayerNorm):
    """The same layer, since torch.func's Hessian of the fused one is wrong (docs/findings.md)."""

    def forward(self, input: Tensor) -> Tensor:
        axes = tuple(range(-len(self.normalized_shape), 0))
        away = input - input.mean(axes, keepdim=True)
        z = away / (away.square().mean(axes, keepdim=True) + self.eps).sqrt()
        return z if self.weight is None else z * self.weight + self.bias


class Net:
    """A layer between two linear ones, in float64, with numbers that float32 holds; `nearby` gives others like them."""

    def __init__(self, name: str, nearby: int = 0) -> None:
        make, shape = LAYERS[name]
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.manual_seed(1)
            self.layer, front = make().eval(), nn.Linear(shape[-1], shape[-1])
            self.x = torch.randn(N, *shape)
            self.inside = front(self.x)
            width = self.layer(self.inside).flatten(1).shape[1]
            self.module = nn.Sequential(front, self.layer, nn.Flatten(), nn.Linear(width, 2))
            p, d = sum(w.numel() for w in self.module.parameters()), self.x[0].numel()
            self.y, self.u, self.v = torch.randn(N, 2), torch.randn(N, 2), torch.randn(p)
            self.dx, self.back, self.ahead = torch.randn(N, d), torch.randn(N, width), torch.randn(N, d)
            for tensor in (*self.module.parameters(), *(b for b in self.layer.buffers() if b.is_floating_point())):
                # None stays a zero or a one, and a variance stays positive.
                tensor.mul_(1 + 0.2 * torch.randn_like(tensor).tanh()).add_(0.1 * torch.randn_like(tensor).abs())
            torch.manual_seed(nearby)
            for tensor in (*self.module.parameters(), self.x, self.inside):
                tensor.mul_(1 + NEAR * torch.randn_like(tensor) * (nearby > 0))
        self.to(torch.float64)

    def to(self, dtype: torch.dtype) -> Self:
        self.module.to(dtype)
        for name, value in vars(self).items():
            if isinstance(value, Tensor):
                setattr(self, name, value.to(dtype))
        return self


def pull(J: Tensor, m: Tensor) -> Tensor:
    """`J_n^T diag(m_n) J_n`."""
    return torch.einsum("ncp,nc,ncq->npq", J, m, J)


def truth(net: Net) -> Results:
    """By torch.func, from all parameters as one vector."""
    if type(net.layer) is nn.LayerNorm:
        net.layer.__class__ = WrittenOut
    weights = dict(net.module.named_parameters())
    theta = torch.cat([w.detach().flatten() for w in weights.values()])

    def f(flat: Tensor, x: Tensor) -> Tensor:
        parts = flat.split([w.numel() for w in weights.values()])
        named = {name: part.view_as(w) for (name, w), part in zip(weights.items(), parts, strict=True)}
        return functional_call(net.module, named, (x,))

    def by_input(module: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
        each = [jacrev(lambda one: module(one[None]).flatten())(one) for one in x]
        return torch.stack([J.flatten(1) for J in each])

    J, Jx, alone = jacrev(f)(theta, net.x), by_input(lambda x: f(theta, x), net.x), by_input(net.layer, net.inside)
    g = 2 * (f(theta, net.x) - net.y)
    H = hessian(lambda flat: LOSS(f(flat, net.x), net.y))(theta)
    G = 2 * torch.einsum("ncp,ncq->pq", J, J)
    each = torch.einsum("nc,ncp->np", g, J)
    owners = Counter()
    for name, w in weights.items():
        owners[name.rpartition(".")[0]] += w.numel()
    same = block_diagonal([torch.ones(size, size) for size in owners.values()])
    return {
        "gradient": each.sum(0), "per_example_gradients": each, "empirical_fisher": each.t() @ each,
        "jacobian": J, "jacobian_inputs": Jx,
        "jvp": torch.einsum("ncp,p->nc", J, net.v), "vjp": torch.einsum("ncp,nc->np", J, net.u),
        "jvp_inputs": torch.einsum("ncd,nd->nc", Jx, net.dx), "vjp_inputs": torch.einsum("ncd,nc->nd", Jx, net.u),
        "metric": pull(J, net.u), "metric_inputs": pull(Jx, net.u).diagonal(dim1=1, dim2=2),
        "ggn": G, "ggn_blocks": G * same.to(G), "ggn_diagonal": G.diagonal(), "ggnvp": G @ net.v,
        "hessian": H, "hessian_blocks": H * same.to(H), "hessian_diagonal": H.diagonal(), "hvp": H @ net.v,
        "squares_back": torch.einsum("ncd,nc->nd", alone**2, net.back),
        "squares_ahead": torch.einsum("ncd,nd->nc", alone**2, net.ahead),
    }  # fmt: skip


def found(net: Net) -> Results:
    """By the engine."""
    all_of = net.module, net.x, net.y
    squares = {"wrt": "input", "from_diag": True, "to_diag": True, "diag_backprop": True}
    results = {name: getattr(layerwise, name)(*all_of, loss=LOSS) for name in (
        "gradient", "per_example_gradients", "empirical_fisher", "ggn", "ggn_diagonal", "hessian", "hessian_diagonal",
    )}  # fmt: skip
    blocks = {
        f"{name}_blocks": block_diagonal(
            list(getattr(layerwise, name)(*all_of, loss=LOSS, structure="blocks").values())
        )
        for name in ("ggn", "hessian")
    }
    return results | blocks | {
        "ggnvp": layerwise.ggnvp(*all_of, net.v, loss=LOSS), "hvp": layerwise.hvp(*all_of, net.v, loss=LOSS),
        "jacobian": layerwise.jacobian(net.module, net.x),
        "jacobian_inputs": layerwise.jacobian(net.module, net.x, wrt="input"),
        "jvp": layerwise.jvp(net.module, net.x, net.v), "vjp": layerwise.vjp(net.module, net.x, net.u),
        "jvp_inputs": layerwise.jvp(net.module, net.x, net.dx, wrt="input"),
        "vjp_inputs": layerwise.vjp(net.module, net.x, net.u, wrt="input"),
        "metric": layerwise.jTmjp(net.module, net.x, net.u, from_diag=True),
        "metric_inputs": layerwise.jTmjp(net.module, net.x, net.u, wrt="input", from_diag=True, to_diag=True),
        "squares_back": layerwise.jTmjp(net.layer, net.inside, net.back, **squares),
        "squares_ahead": layerwise.jmjTp(net.layer, net.inside, net.ahead, **squares),
    }  # fmt: skip


def block_diagonal(blocks: list[Tensor]) -> Tensor:
    return torch.block_diag(*blocks)


def reference(name: str) -> Reference:
    """The results of torch.func with their rounding scale."""
    exact = truth(Net(name))
    lost = {key: torch.zeros_like(R) for key, R in exact.items()}
    for nearby in range(1, RUNS + 1):
        net = Net(name, nearby)
        double, single = truth(net), truth(net.to(torch.float32))
        for key, total in lost.items():
            total += ((single[key].double() - double[key]) / UNIT["float32"]) ** 2 / RUNS
            total += ((double[key] - exact[key]) / NEAR) ** 2 / RUNS
    leaves = {key: leaf(R.detach().numpy(), lost[key].sqrt().detach().numpy()) for key, R in exact.items()}
    return Reference(name, "every quantity", "float64", leaves, np.inf)


@pytest.mark.parametrize("name", LAYERS)
def test_every_quantity_through_a_layer(name: str) -> None:
    known = reference(name)
    results = {key: value.detach().numpy() for key, value in found(Net(name)).items()}
    assert set(results) == set(known.leaves)
    for key, R in known.leaves.items():
        verdict = compare(results, Reference(name, key, "float64", {key: R}, np.inf), "float64")
        assert verdict, f"{key}: {verdict.text}"


@pytest.mark.parametrize("name", ["gelu", "conv_2d", "layer_norm"])
def test_a_result_off_by_a_millionth_is_seen(name: str) -> None:
    known = reference(name)
    for key, value in found(Net(name)).items():
        off = {key: value.detach().numpy() * (1 + 1e-6)}
        assert not compare(off, Reference(name, key, "float64", {key: known.leaves[key]}, np.inf), "float64")


def test_every_layer_with_a_rule_is_here() -> None:
    ours = {kind for kind, layer in _LAYERS.items() if layer.__module__.startswith("xcheck.layerwise.")}
    tried = {type(part) for make, _ in LAYERS.values() for part in make().modules()}
    assert ours - tried == {kind for kind in ours if kind in ELSEWHERE}
