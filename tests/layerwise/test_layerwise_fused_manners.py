"""The compiled kernels keep out of the way of all that is not theirs, and of machines without a compiler."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import xcheck
from xcheck import layerwise
from xcheck._errors import Unsupported
from xcheck.layerwise._fused import build
from xcheck.layerwise._fused.context import fusible
from xcheck.quantity import implementations

importlib.import_module("xcheck.libraries.layerwise")
LOSS = nn.MSELoss()


@pytest.fixture
def compiler() -> None:
    """Skips where there is none."""
    if isinstance(build.kernels(), str):
        pytest.skip(build.kernels())


@pytest.fixture
def asked_again() -> Iterator[None]:
    """What a process knows of its compiler, forgotten before and after."""
    build.kernels.cache_clear()
    yield
    build.kernels.cache_clear()


def net(*bends: nn.Module, width: int = 4, outputs: int = 2) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, width), *bends, nn.Linear(width, outputs))


def everything(module: nn.Module, x: Tensor, y: Tensor) -> list[Tensor]:
    v = torch.linspace(-1, 1, sum(p.numel() for p in module.parameters()), dtype=torch.float64).to(x.dtype)
    return [
        layerwise.hvp(module, x, y, v, loss=LOSS), layerwise.ggnvp(module, x, y, v, loss=LOSS),
        layerwise.ggn_diagonal(module, x, y, loss=LOSS), layerwise.ggn(module, x, y, loss=LOSS),
        layerwise.hessian_diagonal(module, x, y, loss=LOSS),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "module",
    [
        net(nn.GELU()), net(nn.Tanh(), nn.Tanh()), net(nn.LayerNorm(4)), net(nn.Tanh()).bfloat16(),
        net().insert(0, nn.Tanh()),
    ],
    ids=["gelu", "two functions", "norm", "bfloat16", "function first"],
)  # fmt: skip
def test_what_is_not_theirs_goes_on_as_before(module: nn.Module) -> None:
    dtype = next(module.parameters()).dtype
    x, y = torch.randn(5, 3).to(dtype), torch.randn(5, 2).to(dtype)
    before = everything(module, x, y)
    with layerwise.fused():
        assert all(torch.equal(a, b) for a, b in zip(everything(module, x, y), before, strict=True))


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors is a no-op:UserWarning")
def test_a_layer_without_features_is_left_to_pytorch(one_thread: None) -> None:
    module, x, y = nn.Sequential(nn.Linear(3, 0), nn.Linear(0, 40)), torch.randn(5, 3), torch.randn(5, 40)
    before = layerwise.hvp(module, x, y, torch.ones(40), loss=LOSS)
    with layerwise.fused():
        assert torch.equal(layerwise.hvp(module, x, y, torch.ones(40), loss=LOSS), before)


def test_wrong_shapes_and_dtypes_do_not_reach_the_kernels() -> None:
    module, x, y = net(nn.Tanh()), torch.randn(5, 3), torch.randn(5, 2)
    with layerwise.fused():
        with pytest.raises(RuntimeError):
            layerwise.ggn_diagonal(module, x[:, :2], y, loss=LOSS)
        with pytest.raises(RuntimeError):
            layerwise.ggn_diagonal(module, x.double(), y.double(), loss=LOSS)
        with pytest.raises(layerwise.BadShape, match="targets have shape"):
            layerwise.ggn_diagonal(module, x, y[:, :1], loss=LOSS)
        with pytest.raises(layerwise.BadShape, match="v has shape"):
            layerwise.hvp(module, x, y, torch.ones(3), loss=LOSS)
        with pytest.raises(layerwise.BadShape, match="out is"):
            layerwise.jacobian(module, x, out=torch.empty(5, 2, 3))
        with layerwise.differentiable():
            assert layerwise.ggn(module, x, y, loss=LOSS).requires_grad


def test_targets_of_another_dtype_are_read_as_what_they_are() -> None:
    module, x, y = net(nn.Tanh(), outputs=1), torch.randn(5, 3), torch.randn(5, 1)
    with layerwise.fused():
        found = [
            layerwise.hessian_diagonal(module, x, y.to(dtype), loss=LOSS) for dtype in (torch.float64, torch.float32)
        ]
    # A difference of two numbers of float32, made in float64 and rounded, is that of float32.
    assert torch.equal(*found)


@pytest.mark.parametrize("bend", [nn.Tanh(), nn.Sigmoid(), nn.ReLU(), nn.SiLU()])
def test_what_is_not_a_number_stays_none(compiler: None, bend: nn.Module) -> None:
    module, x = net(bend), torch.tensor([[float("nan")] * 3, [300.0] * 3, [1.0] * 3])
    with layerwise.fused(), torch.no_grad():
        chain = fusible(module, x)
        assert chain is not None
        f, _, _ = chain.forward(x, False)
    assert f.isnan().all(1).tolist() == [True, False, False]


@pytest.mark.parametrize(
    ("compiler", "said"), [("no-such-compiler", "there is no C++ compiler"), ("false", "could not compile")]
)
def test_without_a_compiler_all_goes_on(
    compiler: str, said: str, asked_again: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CXX", compiler)
    monkeypatch.setenv("XCHECK_CACHE", str(tmp_path))
    problem = xcheck.problem("tanh_mlp", "hvp", "torch")
    with layerwise.fused() as missing:
        assert said in (missing or "")
        problem.check(implementations("hvp")["torch_layerwise"].function(problem))
    with pytest.raises(Unsupported, match=re.escape(said)):
        implementations("hvp")["torch_layerwise_fused"].function(problem)


def test_a_cache_that_cannot_be_written(
    compiler: None, asked_again: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "layerwise").write_text("a file where the folder should be")
    monkeypatch.setenv("XCHECK_CACHE", str(tmp_path))
    with layerwise.fused() as missing:
        assert "XCHECK_CACHE" in (missing or "")


def test_compiled_once(compiler: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XCHECK_CACHE", str(tmp_path))

    def files() -> list[tuple[Path, int]]:
        build.compiled()
        return [(path, path.stat().st_mtime_ns) for path in (tmp_path / "layerwise").iterdir()]

    first = files()
    assert len(first) == 1
    assert files() == first
