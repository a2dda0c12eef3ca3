"""Random small architectures of integers: all quantities at once, shrinking to the smallest net that fails."""

import importlib.util
from collections.abc import Callable
from pathlib import Path

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from xcheck import layerwise

_spec = importlib.util.spec_from_file_location("layerwise_conftest", Path(__file__).with_name("conftest.py"))
assert _spec is not None
assert _spec.loader is not None
common = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(common)

Shape = tuple[int, ...]
Step = Callable[[Shape], nn.Module]

IMAGES: dict[str, Step] = {
    "conv": lambda s: nn.Conv2d(s[0], 2, 2, padding=1),
    "strided": lambda s: nn.Conv2d(s[0], 1, 2, stride=2, padding=1, bias=False),
    "reflected": lambda s: nn.Conv2d(s[0], s[0], 3, padding=1, padding_mode="replicate"),
    "grouped": lambda s: nn.Conv2d(s[0], 2 * s[0], 1, groups=s[0]),
    "transposed": lambda s: nn.ConvTranspose2d(s[0], 1, 2),
    "max": lambda s: nn.MaxPool2d(2, 1),
    "adaptive": lambda s: nn.AdaptiveMaxPool2d(2),
    "upsample": lambda s: nn.Upsample(size=3),
}
VECTORS: dict[str, Step] = {
    "linear": lambda s: nn.Linear(s[0], 2),
    "unbiased": lambda s: nn.Linear(s[0], 3, bias=False),
    "skip": lambda s: layerwise.Skip(nn.Linear(s[0], s[0]), nn.ReLU()),
    "concat": lambda s: layerwise.SkipConcat(nn.Linear(s[0], 1)),
    "nested": lambda s: nn.Sequential(nn.Linear(s[0], 2), nn.ReLU(), nn.Linear(2, 2)),
}
ANY: dict[str, Step] = {
    "relu": lambda s: nn.ReLU(),
    "leaky": lambda s: nn.LeakyReLU(2.0),
    "identity": lambda s: nn.Identity(),
    "dropout": lambda s: nn.Dropout(),
}


@st.composite
def networks(draw: st.DrawFn) -> tuple[nn.Module, torch.Tensor]:
    """A few layers on images, then a few on vectors, with at most one square among them, perhaps one layer used
    twice, and up to three activations in a row at the end."""
    images = draw(st.booleans())
    shape: Shape = (draw(st.integers(1, 2)), 3, 3) if images else (draw(st.integers(1, 3)),)
    x = common.draw(draw(st.integers(1, 3)), *shape, seed=draw(st.integers(0, 9)))
    layers: list[nn.Module] = []
    flow = x
    steps = [*draw(st.lists(st.sampled_from([*IMAGES, *ANY]), max_size=2))] if images else []
    steps += ["flatten", *draw(st.lists(st.sampled_from([*VECTORS, *ANY]), min_size=1, max_size=3)), "linear"]
    square = draw(st.integers(0, len(steps)))
    for i, name in enumerate(steps):
        make = {**IMAGES, **VECTORS, **ANY, "flatten": lambda s: nn.Flatten()}[name]
        added = [make(tuple(flow.shape[1:]))] + ([common.Square()] if i == square else [])
        for layer in added:
            flow = common.integers(layer, seed=i)(flow)
            layers.append(layer)
    if draw(st.booleans()):
        twice = nn.Linear(flow.shape[1], flow.shape[1])
        layers += [twice, nn.ReLU(), twice]
    layers += [ANY[name](()) for name in draw(st.lists(st.sampled_from([*ANY]), max_size=3))]
    return common.integers(nn.Sequential(*layers), seed=draw(st.integers(0, 9))), x


@settings(max_examples=40, deadline=None)
@given(networks())
def test_random_networks(network: tuple[nn.Module, torch.Tensor]) -> None:
    module, x = network
    y, loss = common.draw(*module(x).shape, seed=3), nn.MSELoss(reduction="sum")
    truth = common.Truth(module, x, y, loss)
    v = (torch.arange(len(truth.gradient)) % 3 - 1).double()
    assert torch.equal(layerwise.gradient(module, x, y, loss=loss), truth.gradient)
    assert torch.equal(layerwise.jacobian(module, x), truth.jacobian)
    assert torch.equal(layerwise.jacobian(module, x, wrt="input"), truth.jacobian_inputs)
    assert torch.equal(layerwise.ggn(module, x, y, loss=loss), truth.ggn)
    assert torch.equal(layerwise.ggn_diagonal(module, x, y, loss=loss), truth.ggn.diagonal())
    assert torch.equal(layerwise.ggnvp(module, x, y, v, loss=loss), truth.ggn @ v)
    assert torch.equal(layerwise.hessian(module, x, y, loss=loss), truth.hessian)
    assert torch.equal(layerwise.hessian_diagonal(module, x, y, loss=loss), truth.hessian.diagonal())
    assert torch.equal(layerwise.hvp(module, x, y, v, loss=loss), truth.hessian @ v)
    for full, structure in ((truth.ggn, layerwise.ggn), (truth.hessian, layerwise.hessian)):
        blocks = structure(module, x, y, loss=loss, structure="blocks")
        assert torch.equal(torch.block_diag(*blocks.values()).diagonal(), full.diagonal())
