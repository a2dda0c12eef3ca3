"""The compiled kernels agree with the truth: exactly on networks of integers, by the judge on all others."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stored import stored
from torch import Tensor, nn

import xcheck
from xcheck import Case, LogNormal, Normal, layerwise
from xcheck.layerwise._fused import build, context
from xcheck.layerwise._fused.context import fusible
from xcheck.program import Layer, Linear, ReLU, Sequential, Sigmoid, Tanh, mse
from xcheck.quantity import implementations
from xcheck.result import matches

importlib.import_module("xcheck.libraries.layerwise")
_spec = importlib.util.spec_from_file_location("layerwise_conftest", Path(__file__).with_name("conftest.py"))
assert _spec is not None
assert _spec.loader is not None
common = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(common)

pytestmark = pytest.mark.usefixtures("one_thread")

QUANTITIES = ("ggn", "ggn_diagonal", "hessian_diagonal", "hvp", "ggnvp", "jacobian_params")
DTYPES = ("float64", "float32")


@pytest.fixture(scope="module", autouse=True)
def kernels() -> dict[str, build.Kernels]:
    """Every machine that tests has a compiler, or says why these tests say nothing."""
    found = build.kernels()
    if isinstance(found, str):
        pytest.skip(found)
    return found


@pytest.fixture
def used(kernels: dict[str, build.Kernels], monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The names of the kernels that were called."""
    names: set[str] = set()

    def noted(name: str, kernel: Any) -> Any:
        return lambda *arguments: names.add(name) or kernel(*arguments)

    watched = {dtype: {name: noted(name, one) for name, one in own.items()} for dtype, own in kernels.items()}
    monkeypatch.setattr(context, "kernels", lambda: watched)
    return names


def check(case: Case | str, quantity: str, dtype: str = "float64") -> None:
    """By the judge."""
    problem = xcheck.problem(case, quantity, "torch", dtype=dtype)
    made = implementations(quantity)["torch_layerwise_fused"]
    problem.check(made.function(problem, *([made.prepare(problem)] if made.prepare else [])))


CELLS = [
    (name, quantity)
    for quantity in QUANTITIES
    for name, case in xcheck.load_cases().items()
    if quantity in case.quantities and stored(name, quantity)
    if matches(name, implementations(quantity)["torch_layerwise_fused"].cases)
]


@pytest.mark.parametrize(("case", "quantity"), CELLS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_agrees_with_the_certified_reference(case: str, quantity: str, dtype: str, used: set[str]) -> None:
    if dtype == "float32" and case.endswith("float64"):
        pytest.skip("the case has data that float32 cannot hold")
    check(case, quantity, dtype)
    assert used


@dataclass(frozen=True)
class SiLU(Layer):
    """`y = x / (1 + exp(-x))`."""

    def apply(self, xp: Any, params: Mapping[str, Any], x: Any) -> Any:
        return xp.nn.silu(x)

    def torch(self) -> nn.Module:
        return nn.SiLU()


BENDS = {"tanh": Tanh(), "sigmoid": Sigmoid(), "relu": ReLU(), "silu": SiLU()}


def bent(name: str, width: int) -> Case:
    """Two hidden layers, and the function behind the last one too."""
    bend = BENDS[name]
    net = Sequential(Linear(3, width), bend, Linear(width, 4), bend, Linear(4, 2), bend)
    return Case(
        name=f"{name}_{width}", program=net, params=net.init(seed=1), inputs={"x": Normal((9, 3), seed=2)},
        targets=Normal((9, 2), seed=3), loss=mse("mean"), quantities=QUANTITIES, doc=name,
    )  # fmt: skip


@pytest.fixture
def cases_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """References of these cases go to a folder of this run; kernels are compiled already."""
    monkeypatch.setenv("XCHECK_CACHE", str(tmp_path_factory.getbasetemp() / "references"))


@pytest.mark.parametrize("quantity", QUANTITIES)
@pytest.mark.parametrize("name", BENDS)
def test_every_function_of_theirs(name: str, quantity: str, used: set[str], cases_of_its_own: None) -> None:
    for dtype in DTYPES:
        check(bent(name, 5), quantity, dtype)
    assert used


@pytest.mark.parametrize("quantity", ["hvp", "ggnvp"])
@pytest.mark.parametrize("name", BENDS)
def test_products_of_a_wide_network(name: str, quantity: str, used: set[str], cases_of_its_own: None) -> None:
    for dtype in DTYPES:
        check(bent(name, 40), quantity, dtype)
    assert "wide_product" in used


def test_a_wide_network_is_left_to_pytorch_where_that_has_more_threads(used: set[str]) -> None:
    module, x, y = integers([3, 40, 2]), common.draw(9, 3), common.draw(9, 2, seed=2)
    torch.set_num_threads(2)
    with layerwise.fused():
        layerwise.hvp(module, x, y, torch.ones(242, dtype=x.dtype), loss=nn.MSELoss())
    assert not used
    torch.set_num_threads(1)
    with layerwise.fused():
        layerwise.hvp(module, x, y, torch.ones(242, dtype=x.dtype), loss=nn.MSELoss())
    assert "wide_product" in used


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sizes=st.lists(st.integers(1, 300), min_size=3, max_size=4), n=st.integers(1, 40), bias=st.booleans())
def test_wide_products_at_every_edge_of_a_tile(used: set[str], sizes: list[int], n: int, bias: bool) -> None:
    """Exact in any order, so a row, a column or a depth that a tile or a panel loses or counts twice is seen."""
    module, x, y = integers([*sizes, 2], bias), common.draw(n, sizes[0]), common.draw(n, 2, seed=2)
    v = (torch.arange(sum(one.numel() for one in module.parameters())) % 3 - 1).double()
    for product in (layerwise.hvp, layerwise.ggnvp):
        expected = product(module, x, y, v, loss=nn.MSELoss(reduction="sum"))
        with layerwise.fused():
            assert torch.equal(product(module, x, y, v, loss=nn.MSELoss(reduction="sum")), expected)
    assert "wide_product" in used or max(sizes) <= 32


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", BENDS)
def test_functions_and_slopes_from_tiny_to_large(name: str, dtype: str, cases_of_its_own: None) -> None:
    """Of each example, as no sum hides one: inputs of a size from 1e-15 to 1e15, of either sign behind the weights."""
    net = Sequential(Linear(1, 4), BENDS[name])
    case = Case(
        name=f"{name}_far", program=net, params=net.init(seed=4), inputs={"x": LogNormal((400, 1), seed=5, sigma=12.0)},
        quantities=("value", "jvp"), doc=name,
    )  # fmt: skip
    problem = xcheck.problem(case, "jvp", "torch", dtype=dtype)
    with layerwise.fused(), torch.no_grad():
        chain = fusible(problem.module, problem.inputs[0])
        assert chain is not None
        f, df, _ = chain.forward(problem.inputs[0], False, problem.tangents["params"])
    problem.check(df)
    xcheck.check(f, case, "value", dtype=dtype)


def integers(sizes: list[int], bias: bool = True, seed: int = 0) -> nn.Module:
    """Linear layers and ReLU, so that every sum is exact in any order."""
    layers = [[nn.Linear(a, b, bias=bias), nn.ReLU()] for a, b in pairwise(sizes)]
    return common.integers(nn.Sequential(*[layer for pair in layers for layer in pair][:-1]), seed)


def everything(module: nn.Module, x: Tensor, y: Tensor) -> list[Tensor]:
    p, loss = sum(one.numel() for one in module.parameters()), nn.MSELoss(reduction="sum")
    v = (torch.arange(p) % 3 - 1).to(x.dtype)
    return [
        layerwise.ggn(module, x, y, loss=loss), layerwise.ggn_diagonal(module, x, y, loss=loss),
        layerwise.hessian_diagonal(module, x, y, loss=loss), layerwise.hvp(module, x, y, v, loss=loss),
        layerwise.ggnvp(module, x, y, v, loss=loss), layerwise.jacobian(module, x),
        layerwise.jacobian(module, x, out=x.new_empty(len(x), y.shape[1], p)),
    ]  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sizes=st.lists(st.integers(1, 9), min_size=2, max_size=5), wide=st.booleans(), n=st.integers(1, 70),
    seed=st.integers(0, 9), bias=st.booleans(),
)  # fmt: skip
def test_random_networks(used: set[str], sizes: list[int], wide: bool, n: int, seed: int, bias: bool) -> None:
    sizes = [sizes[0], 40, *sizes[1:]] if wide else sizes
    module, x, y = integers(sizes, bias, seed), common.draw(n, sizes[0]), common.draw(n, sizes[-1], seed=2)
    truth = common.Truth(module, x, y, nn.MSELoss(reduction="sum"))
    v = (torch.arange(len(truth.gradient)) % 3 - 1).double()
    with layerwise.fused():
        found = everything(module, x, y)
    right = [
        truth.ggn, truth.ggn.diagonal(), truth.hessian.diagonal(), truth.hessian @ v, truth.ggn @ v,
        truth.jacobian, truth.jacobian,
    ]  # fmt: skip
    assert [torch.equal(a, b) for a, b in zip(found, right, strict=True)] == [True] * len(right)
    assert {"jacobian"} <= used if wide else {"product", "squares", "jacobian"} <= used


def test_more_examples_than_a_tape_holds_and_any_layout() -> None:
    module, x, y = integers([2, 10, 1]), common.draw(2, 40_000).t(), common.draw(1, 40_000, seed=2).t()
    expected = everything(module, x, y)
    with layerwise.fused():
        assert all(torch.equal(a, b) for a, b in zip(everything(module, x, y), expected, strict=True))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("sizes", [[1, 1], [3, 40, 2], [5, 7, 11, 3], [2, 3000, 2]])
def test_a_jacobian_of_any_width_anywhere_in_memory(sizes: list[int], dtype: torch.dtype) -> None:
    module, x = integers(sizes).to(dtype), common.draw(5, sizes[0]).to(dtype)
    expected = layerwise.jacobian(module, x)
    for offset in (0, 1, 3, 15, 16):
        room = torch.full((expected.numel() + 64,), 7.0, dtype=dtype)
        out = room[offset : offset + expected.numel()].view(expected.shape)
        with layerwise.fused():
            layerwise.jacobian(module, x, out=out, chunk_size=2)
        assert torch.equal(out, expected)
        assert bool((room[:offset] == 7).all())
        assert bool((room[offset + expected.numel() :] == 7).all())


def test_a_large_fresh_result(used: set[str], kernels: dict[str, build.Kernels]) -> None:
    """Its memory is asked for beforehand, in large parts, and nothing that stands in memory is changed by it."""
    module, x = integers([30, 40, 8]), common.draw(1500, 30)  # 150 MB
    expected = layerwise.jacobian(module, x)
    with layerwise.fused():
        assert torch.equal(layerwise.jacobian(module, x), expected)
    assert {"pages", "jacobian"} <= used
    for start, end in ((0, expected.nbytes), (8, expected.nbytes - 8), (1 << 21, 3 << 21), (40, 48)):
        kernels["float64"]["pages"](expected.data_ptr() + start, end - start)
    with layerwise.fused():
        assert torch.equal(layerwise.jacobian(module, x), expected)


FAULTS = {
    "second = -2 * a * slope;": ("second = 2 * a * slope;", "tanh_mlp", "hessian_diagonal"),
    "d *= slope;": ("", "tanh_mlp", "ggnvp"),
    "sum += now": ("sum += 2 * now", "tanh_mlp", "ggn_diagonal"),
    "total[r][c] += a[r]": ("total[r][c] -= a[r]", "tanh_mlp", "hvp"),
    "total[r][c] += *block": ("total[r][c] -= *block", "digits_mlp", "hvp"),
    "+ all[r][j]": ("", "tanh_mlp", "ggn"),
    "if (add || start) total": ("if (start) total", "digits_mlp", "hvp"),
    "pairs[i + 2], 0x31)": ("pairs[i + 2], 0x21)", "digits_mlp", "hvp"),
    "factor * from[i]": ("from[i]", "tanh_mlp", "jacobian_params"),
    "factor * part": ("part", "tanh_mlp_regression", "jacobian_params"),
    "tangent *= slope;": ("", "digits_mlp", "ggnvp"),
    "+ turn[i]": ("- turn[i]", "digits_mlp", "hvp"),
}


@pytest.mark.parametrize("right", FAULTS)
def test_a_planted_fault_is_seen(right: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong, case, quantity = FAULTS[right]
    sources = {path.name: path.read_text() for path in build.SOURCES.iterdir()}
    assert sum(source.count(right) for source in sources.values()) == 1
    (tmp_path / "planted").mkdir()
    for name, source in sources.items():
        (tmp_path / "planted" / name).write_text(source.replace(right, wrong))
    monkeypatch.setenv("XCHECK_CACHE", str(tmp_path))
    monkeypatch.setattr(build, "FLAGS", tuple("-O1" if flag == "-O3" else flag for flag in build.FLAGS))
    planted = build.compiled(tmp_path / "planted")
    monkeypatch.setattr(context, "kernels", lambda: planted)
    with pytest.raises(xcheck.Mismatch):
        check(case, quantity)
