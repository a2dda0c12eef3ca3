"""The compiled kernels of narrow networks: they agree with the truth, and keep out of the way of everything else."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from itertools import pairwise, product
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import xcheck
from xcheck import layerwise
from xcheck._errors import Unsupported
from xcheck.layerwise._fused import build, context
from xcheck.layerwise._fused.context import fusible, fusible_product
from xcheck.layerwise._fused.wide import Wide
from xcheck.layerwise._plain import Plain, plain
from xcheck.quantity import implementations

importlib.import_module("xcheck.libraries.layerwise")

BENDS = (nn.Tanh, nn.Sigmoid, nn.ReLU, nn.SiLU)
LOSSES = (nn.MSELoss(), nn.MSELoss(reduction="sum"), layerwise.GaussianNLL(0.5), nn.BCEWithLogitsLoss())


@pytest.fixture(scope="module", autouse=True)
def kernels() -> dict[str, build.Kernels]:
    """Every machine that tests has a compiler, or says why these tests say nothing."""
    found = build.kernels()
    if isinstance(found, str):
        pytest.skip(found)
    return found


@pytest.fixture
def asked_again() -> Iterator[None]:
    """What a process knows of its compiler, forgotten before and after."""
    build.kernels.cache_clear()
    yield
    build.kernels.cache_clear()


def network(sizes: tuple[int, ...], bend: type[nn.Module], seed: int = 0, bias: bool = True) -> nn.Sequential:
    torch.manual_seed(seed)
    layers = [[nn.Linear(a, b, bias=bias), bend()] for a, b in pairwise(sizes)]
    return nn.Sequential(*[layer for pair in layers for layer in pair][:-1]).double()


def alike(found: Tensor, expected: Tensor) -> bool:
    """Two orders of the same sums: apart by roundings of the largest entry, as many as a strip has terms, squared."""
    assert found.shape == expected.shape
    return (found - expected).abs().max().item() <= 4096 * torch.finfo(found.dtype).eps * expected.abs().max().item()


def stated(module: nn.Module, x: Tensor) -> Plain:
    """The module as a plain chain, which it is."""
    chain = plain(module, x)
    assert chain is not None
    return chain


def everything(module: nn.Module, x: Tensor, y: Tensor, loss: nn.Module) -> dict[str, Tensor]:
    v = torch.linspace(-1, 1, sum(p.numel() for p in module.parameters()), dtype=x.dtype)
    return {
        "hvp": layerwise.hvp(module, x, y, v, loss=loss), "ggnvp": layerwise.ggnvp(module, x, y, v, loss=loss),
        "ggn_diagonal": layerwise.ggn_diagonal(module, x, y, loss=loss), "ggn": layerwise.ggn(module, x, y, loss=loss),
        "hessian_diagonal": layerwise.hessian_diagonal(module, x, y, loss=loss),
        "jacobian": layerwise.jacobian(module, x, out=x.new_empty(len(x), len(module(x)[0]), len(v))),
    }  # fmt: skip


def assert_alike(module: nn.Module, x: Tensor, y: Tensor, loss: nn.Module) -> None:
    """The kernels take the network, and differ from the engine's other ways by roundings only."""
    with layerwise.fused() as missing, torch.no_grad():
        assert missing is None
        assert fusible(plain(module, x), x) is not None
        found = everything(module, x, y, loss)
    for quantity, expected in everything(module, x, y, loss).items():
        assert alike(found[quantity], expected), quantity


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("sizes", [(1, 1), (3, 40, 2), (5, 7, 11, 3), (2, 3000, 2)])
@pytest.mark.parametrize("bias", [True, False])
def test_a_jacobian_of_any_width_anywhere_in_memory(sizes: tuple[int, ...], dtype: torch.dtype, bias: bool) -> None:
    module, x = network(sizes, nn.GELU, bias=bias).to(dtype), torch.randn(5, sizes[0], dtype=dtype)
    expected = layerwise.jacobian(module, x).contiguous()
    for offset in (0, 1, 3, 15, 16):
        room = torch.full((expected.numel() + 64,), 7.0, dtype=dtype)
        out = room[offset : offset + expected.numel()].view(expected.shape)
        with layerwise.fused():
            layerwise.jacobian(module, x, out=out, chunk_size=2)
        assert alike(out, expected)
        assert bool((room[:offset] == 7).all())
        assert bool((room[offset + expected.numel() :] == 7).all())
    with layerwise.fused():
        assert alike(layerwise.jacobian(module, x), expected)
        with pytest.raises(layerwise.BadShape, match="out is"):
            layerwise.jacobian(module, x, out=expected[:2])


CASES = xcheck.load_cases()
QUANTITIES = ("ggn", "ggn_diagonal", "hessian_diagonal", "hvp", "ggnvp")
CELLS = [
    (name, quantity)
    for quantity in QUANTITIES
    for name, case in CASES.items()
    if quantity in case.quantities and case.tier != "full"
    if any(fnmatchcase(name, glob) for glob in implementations(quantity)["torch_layerwise_fused"].cases.split(","))
]


@pytest.mark.parametrize(("case", "quantity"), CELLS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_agrees_with_the_certified_reference(case: str, quantity: str, dtype: str) -> None:
    if dtype == "float32" and case.endswith("float64"):
        pytest.skip("the case has data that float32 cannot hold")
    problem = xcheck.problem(case, quantity, "torch", dtype=dtype)
    with layerwise.fused(), torch.no_grad():
        assert fusible(plain(problem.module, problem.inputs[0]), problem.inputs[0]) is not None
    problem.check(implementations(quantity)["torch_layerwise_fused"].function(problem))


@pytest.mark.parametrize(("bend", "loss"), list(product(BENDS, LOSSES)))
def test_agrees_with_the_plain_walk(bend: type[nn.Module], loss: nn.Module) -> None:
    module = network((3, 7, 5, 2), bend)
    y = torch.rand(37, 2, dtype=torch.float64)
    assert_alike(module, torch.randn(37, 3, dtype=torch.float64), y, loss)


@pytest.mark.parametrize("loss", [nn.CrossEntropyLoss(), nn.CrossEntropyLoss(label_smoothing=0.1, reduction="sum")])
def test_a_loss_whose_hessian_is_no_diagonal(loss: nn.Module) -> None:
    x, y = torch.randn(5, 4, dtype=torch.float64), torch.tensor([0, 2, 1, 1, 0])
    assert_alike(network((4, 6, 3), nn.Tanh), x, y, loss)


@pytest.mark.parametrize("loss", [nn.CrossEntropyLoss(), nn.MSELoss()])
@pytest.mark.parametrize("bend", BENDS)
def test_products_of_a_wide_network(bend: type[nn.Module], loss: nn.Module) -> None:
    module, x = network((3, 40, 33, 4), bend), torch.randn(7, 3, dtype=torch.float64)
    y, v = torch.softmax(torch.randn(7, 4, dtype=torch.float64), 1), torch.randn(1649, dtype=torch.float64)
    for quantity in (layerwise.hvp, layerwise.ggnvp):
        expected = quantity(module, x, y, v, loss=loss)
        with layerwise.fused(), torch.no_grad():
            assert isinstance(fusible_product(stated(module, x), x), Wide)
            assert alike(quantity(module, x, y, v, loss=loss), expected)


def test_without_biases_and_with_a_function_at_the_end() -> None:
    module = network((2, 3, 3), nn.SiLU, bias=False).append(nn.Sigmoid())
    assert_alike(module, torch.randn(9, 2, dtype=torch.float64), torch.rand(9, 3, dtype=torch.float64), LOSSES[0])


def test_more_examples_than_a_tape_holds_and_any_layout() -> None:
    x = torch.randn(2, 40_000, dtype=torch.float64).t()
    assert_alike(network((2, 10, 1), nn.Tanh), x, torch.randn(1, 40_000, dtype=torch.float64).t(), LOSSES[0])


@settings(max_examples=40, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 9), min_size=2, max_size=5), bend=st.sampled_from(BENDS), n=st.integers(1, 70),
    seed=st.integers(0, 9), bias=st.booleans(),
)  # fmt: skip
def test_random_networks(sizes: list[int], bend: type[nn.Module], n: int, seed: int, bias: bool) -> None:
    module = network(tuple(sizes), bend, seed, bias)
    x = torch.randn(n, sizes[0], dtype=torch.float64)
    assert_alike(module, x, torch.randn(n, sizes[-1], dtype=torch.float64), LOSSES[1])


def logistic(z: Tensor) -> Tensor:
    return torch.sigmoid(z) * torch.sigmoid(-z)


FUNCTIONS = [
    (nn.Tanh, torch.tanh, lambda z: 1 / torch.cosh(z).square()),
    (nn.Sigmoid, torch.sigmoid, logistic),
    (nn.SiLU, nn.SiLU(), lambda z: torch.sigmoid(z) + z * logistic(z)),
]


@pytest.mark.parametrize(("bend", "truth", "slope"), FUNCTIONS, ids=["tanh", "sigmoid", "silu"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_functions_and_slopes_to_a_few_roundings(
    bend: type[nn.Module],
    truth: Callable[[Tensor], Tensor],
    slope: Callable[[Tensor], Tensor],
    dtype: torch.dtype,
) -> None:
    size = torch.logspace(-30, 2, 4001, dtype=torch.float64).to(dtype)
    z = torch.cat([size, -size, torch.zeros(1, dtype=dtype)])[:, None]
    module = nn.Sequential(nn.Linear(1, 1, bias=False), bend()).to(dtype)
    nn.init.ones_(module[0].weight)
    with layerwise.fused(), torch.no_grad():
        chain = fusible(plain(module, z), z)
        assert chain is not None
        f, df, _ = chain.forward(z, False, torch.ones(1, dtype=dtype))
    assert df is not None
    exact, few, tiny = z.double(), 4 * torch.finfo(dtype).eps, 100 * torch.finfo(dtype).tiny
    assert bool(((f.double() - truth(exact)).abs() <= few * truth(exact).abs() + tiny).all())
    # Of a slope, roundings of 1 are granted: 1 - tanh^2 has no more.
    assert bool(((df.double() - slope(exact) * exact).abs() <= few * exact.abs()).all())


@pytest.mark.parametrize("bend", BENDS)
def test_what_is_not_a_number_stays_none(bend: type[nn.Module]) -> None:
    x = torch.tensor([[float("nan")], [300.0], [1.0]], dtype=torch.float64)
    module = network((1, 2, 1), bend)
    with layerwise.fused(), torch.no_grad():
        chain = fusible(plain(module, x), x)
        assert chain is not None
        f, _, _ = chain.forward(x, False)
    assert f.isnan().flatten().tolist() == [True, False, False]
    assert alike(f[1:], module(x[1:]).detach())


FAULTS = {
    "second = -2 * a * slope;": "second = 2 * a * slope;", "d *= slope;": "", "sum += now": "sum += 2 * now",
    "to[k] = factor * from[i + k]": "to[k] = from[i + k]", "tangent *= slope;": "", "+ second[i]": "- second[i]",
}  # fmt: skip


@pytest.mark.parametrize("right", FAULTS)
def test_a_planted_fault_is_seen(right: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = build.SOURCE.read_text()
    assert source.count(right) == 1
    (tmp_path / "kernels.cpp").write_text(source.replace(right, FAULTS[right]))
    monkeypatch.setenv("XCHECK_CACHE", str(tmp_path))
    monkeypatch.setattr(build, "FLAGS", tuple("-O1" if flag == "-O3" else flag for flag in build.FLAGS))
    planted = build.compiled(tmp_path / "kernels.cpp")
    monkeypatch.setattr(context, "kernels", lambda: planted)

    def results() -> None:
        assert_alike(network((2, 3, 1), nn.Tanh), torch.randn(5, 2).double(), torch.randn(5, 1).double(), LOSSES[0])
        test_products_of_a_wide_network(nn.Tanh, LOSSES[0])

    with pytest.raises(AssertionError):
        results()


@pytest.mark.parametrize("build_module", [
    lambda: nn.Sequential(nn.Linear(3, 4), nn.GELU(), nn.Linear(4, 2)),
    lambda: nn.Sequential(nn.Tanh(), nn.Linear(3, 2)),
    lambda: nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4), nn.Linear(4, 2)),
])  # fmt: skip
def test_what_is_not_theirs_goes_on_as_before(build_module: Callable[[], nn.Module]) -> None:
    module, x, y = build_module(), torch.randn(5, 3), torch.randn(5, 2)
    before = everything(module, x, y, LOSSES[0])
    with layerwise.fused():
        after = everything(module, x, y, LOSSES[0])
    # Their Jacobian takes any elementwise layer.
    assert alike(after.pop("jacobian"), before.pop("jacobian"))
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_other_dtypes_and_wrong_shapes_do_not_reach_the_kernels() -> None:
    module, x = network((3, 4, 2), nn.Tanh), torch.randn(5, 3, dtype=torch.float64)
    half = network((3, 4, 2), nn.Tanh).bfloat16()
    with layerwise.fused():
        assert everything(half, x.bfloat16(), torch.zeros(5, 2).bfloat16(), LOSSES[0])["hvp"].dtype == torch.bfloat16
        with pytest.raises(RuntimeError):
            layerwise.ggn_diagonal(module, x[:, :2], torch.zeros(5, 2).double(), loss=LOSSES[0])
        with pytest.raises(RuntimeError):
            layerwise.ggn_diagonal(module, x.float(), torch.zeros(5, 2), loss=LOSSES[0])
        with pytest.raises(layerwise.BadShape, match="targets have shape"):
            layerwise.ggn_diagonal(module, x, torch.zeros(5, 3).double(), loss=LOSSES[0])
        with layerwise.differentiable():
            assert layerwise.ggn(module, x, torch.zeros(5, 2).double(), loss=LOSSES[0]).requires_grad


def test_a_target_of_another_dtype_is_not_misread() -> None:
    module, x, y = network((3, 4, 1), nn.Tanh).float(), torch.randn(5, 3), torch.randn(5, 1)
    with layerwise.fused():
        found = layerwise.hessian_diagonal(module, x, y.double(), loss=LOSSES[0])
    assert alike(found, layerwise.hessian_diagonal(module, x, y, loss=LOSSES[0]))


@pytest.mark.parametrize(
    ("compiler", "said"), [("no-such-compiler", "there is no C++ compiler"), ("false", "could not")]
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


def test_a_cache_that_cannot_be_written(asked_again: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "layerwise").write_text("a file where the folder should be")
    monkeypatch.setenv("XCHECK_CACHE", str(tmp_path))
    with layerwise.fused() as missing:
        assert "XCHECK_CACHE" in (missing or "")


def test_compiled_once(asked_again: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XCHECK_CACHE", str(tmp_path))
    build.compiled()
    (first,) = (tmp_path / "layerwise").iterdir()
    before = first.stat().st_mtime_ns
    build.compiled()
    assert [(path, path.stat().st_mtime_ns) for path in (tmp_path / "layerwise").iterdir()] == [(first, before)]
