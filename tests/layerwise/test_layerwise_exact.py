"""On networks of integers every quantity equals torch.func's bit for bit, and a planted fault does not."""

from importlib import import_module

import pytest
import torch
from torch import Tensor, nn

from xcheck import layerwise
from xcheck.layerwise.layers.elementwise import Elementwise
from xcheck.layerwise.layers.linear import Linear

Problem = tuple[nn.Module, Tensor, Tensor, nn.Module]


def test_no_network_is_vacuous(truth) -> None:
    for found in (truth.gradient, truth.ggn.diagonal(), truth.hessian.diagonal()):
        assert (found != 0).double().mean() > 0.5
    assert truth.hessian.abs().max() < 2**50, "too large to be exact in float64"


def test_gradients(problem: Problem, truth) -> None:
    module, x, y, loss = problem
    each = layerwise.per_example_gradients(module, x, y, loss=loss)
    assert torch.equal(layerwise.gradient(module, x, y, loss=loss), truth.gradient)
    assert torch.equal(each.sum(0), truth.gradient)


def test_jacobian(problem: Problem, truth) -> None:
    module, x, _, _ = problem
    assert torch.equal(layerwise.jacobian(module, x), truth.jacobian)
    if x.is_floating_point():
        assert torch.equal(layerwise.jacobian(module, x, wrt="input"), truth.jacobian_inputs)
    assert torch.equal(layerwise.jacobian(module, x, chunk_size=3), truth.jacobian)
    out = torch.full_like(truth.jacobian, torch.nan)
    assert layerwise.jacobian(module, x, out=out) is out
    assert torch.equal(out, truth.jacobian)


def test_ggn(problem: Problem, truth) -> None:
    module, x, y, loss = problem
    assert torch.equal(layerwise.ggn(module, x, y, loss=loss), truth.ggn)
    assert torch.equal(layerwise.ggn_diagonal(module, x, y, loss=loss), truth.ggn.diagonal())
    assert torch.equal(layerwise.ggn_diagonal(module, x, y, loss=loss, chunk_size=2), truth.ggn.diagonal())
    blocks = layerwise.ggn(module, x, y, loss=loss, structure="blocks")
    assert_blocks(blocks, truth.ggn)


def test_hessian(problem: Problem, truth) -> None:
    module, x, y, loss = problem
    assert torch.equal(layerwise.hessian(module, x, y, loss=loss), truth.hessian)
    assert torch.equal(layerwise.hessian(module, x, y, loss=loss, chunk_size=2), truth.hessian)
    assert torch.equal(layerwise.hessian_diagonal(module, x, y, loss=loss), truth.hessian.diagonal())
    blocks = layerwise.hessian(module, x, y, loss=loss, structure="blocks")
    assert_blocks(blocks, truth.hessian)


def test_products_of_curvature_with_vectors(problem: Problem, truth) -> None:
    module, x, y, loss = problem
    v = torch.arange(-3.0, 2 * len(truth.ggn) - 3, dtype=torch.float64).view(-1, 2) % 5
    assert torch.equal(layerwise.ggnvp(module, x, y, v, loss=loss), truth.ggn @ v)
    assert torch.equal(layerwise.hvp(module, x, y, v, loss=loss), truth.hessian @ v)
    assert torch.equal(layerwise.hvp(module, x, y, v[:, 1], loss=loss), truth.hessian @ v[:, 1])


@pytest.mark.parametrize("product", ["vjp_weight", "vjp_weight_each"])
def test_a_planted_fault_is_seen(product: str, problem: Problem, truth, monkeypatch: pytest.MonkeyPatch) -> None:
    module, x, y, loss = problem
    right = getattr(Linear, product)
    monkeypatch.setattr(Linear, product, lambda layer, g: tuple(2 * part for part in right(layer, g)))
    monkeypatch.setattr(Linear, "write_each", layerwise.Layer.write_each)
    monkeypatch.setattr(import_module("xcheck.layerwise.jacobian"), "narrow", lambda module, x: None)
    wrong = [layerwise.gradient(module, x, y, loss=loss), layerwise.jacobian(module, x)]
    assert [torch.equal(a, b) for a, b in zip(wrong, (truth.gradient, truth.jacobian), strict=True)].count(False) == 1


def test_a_fault_in_a_plain_chain_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    module, x, y = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)), torch.randn(4, 3), torch.zeros(4, 2)
    right, v, loss = Elementwise.bare.__func__, torch.ones(26), nn.MSELoss()

    def results() -> list[Tensor]:
        batch = module, x, y
        return [
            layerwise.jacobian(module, x), layerwise.ggn(*batch, loss=loss), layerwise.ggn_diagonal(*batch, loss=loss),
            layerwise.ggnvp(*batch, v, loss=loss), layerwise.hvp(*batch, v, loss=loss),
        ]  # fmt: skip

    def wrong(kind: type[Elementwise], module: nn.Module, z: Tensor) -> Elementwise:
        layer = right(kind, module, z)
        layer.slope = 2 * layer.slope
        return layer

    before = results()
    monkeypatch.setattr(Elementwise, "bare", classmethod(wrong))
    assert not any(torch.equal(a, b) for a, b in zip(before, results(), strict=True))


@pytest.mark.parametrize("absent", [("ggn", "narrow"), ("hvp", "plain")])
def test_without_the_plain_chain_the_general_walk_agrees(
    absent: tuple[str, str], problem: Problem, truth, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, x, y, loss = problem
    monkeypatch.setattr(import_module(f"xcheck.layerwise.{absent[0]}"), absent[1], lambda module, x: None)
    v = torch.arange(-3.0, len(truth.ggn) - 3, dtype=torch.float64) % 5
    assert torch.equal(layerwise.ggn(module, x, y, loss=loss), truth.ggn)
    assert torch.equal(layerwise.ggn_diagonal(module, x, y, loss=loss), truth.ggn.diagonal())
    assert torch.equal(layerwise.ggnvp(module, x, y, v, loss=loss), truth.ggn @ v)
    assert torch.equal(layerwise.hvp(module, x, y, v, loss=loss), truth.hessian @ v)


def assert_blocks(blocks: dict[str, Tensor], full: Tensor) -> None:
    """The blocks lie on the diagonal one after another and fill it."""
    assert torch.equal(torch.block_diag(*blocks.values()).diagonal(), full.diagonal())
    at = 0
    for block in blocks.values():
        assert torch.equal(block, full[at : at + len(block), at : at + len(block)])
        at += len(block)
    assert at == len(full)
