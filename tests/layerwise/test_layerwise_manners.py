"""What a caller relies on beside the numbers: nothing is changed, layouts and dtypes pass, errors name the culprit."""

import pytest
import torch
from torch import Tensor, nn

from xcheck import layerwise
from xcheck.layerwise.layers.elementwise import Elementwise

LOSS = nn.MSELoss()


def net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.BatchNorm1d(4), nn.Linear(4, 2)).eval()


def everything(module: nn.Module, x: Tensor, y: Tensor) -> list[Tensor]:
    v = torch.ones(sum(p.numel() for p in module.parameters()), dtype=x.dtype)
    return [
        layerwise.jacobian(module, x), layerwise.gradient(module, x, y, loss=LOSS),
        layerwise.per_example_gradients(module, x, y, loss=LOSS), layerwise.ggn(module, x, y, loss=LOSS),
        layerwise.ggn_diagonal(module, x, y, loss=LOSS), layerwise.ggnvp(module, x, y, v, loss=LOSS),
        layerwise.hessian(module, x, y, loss=LOSS), layerwise.hessian_diagonal(module, x, y, loss=LOSS),
        layerwise.hvp(module, x, y, v, loss=LOSS), layerwise.ggn_diagonal_backprop(module, x, y, loss=LOSS),
        layerwise.empirical_fisher(module, x, y, loss=LOSS),
    ]  # fmt: skip


def test_module_and_inputs_stay_as_they_were() -> None:
    module, x, y = net(), torch.randn(5, 3), torch.randn(5, 2)
    before = {name: value.clone() for name, value in module.state_dict().items()}
    inputs = x.clone(), y.clone()
    everything(module, x, y)
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert torch.equal(x, inputs[0])
    assert torch.equal(y, inputs[1])
    for part in module.modules():
        assert not part.training
        assert not part._forward_hooks
        assert not part._forward_pre_hooks
        assert not part._backward_hooks
    assert all(p.requires_grad and p.grad is None for p in module.parameters())


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_results_have_the_dtype_of_the_network_and_carry_no_graph(dtype: torch.dtype) -> None:
    module, x, y = net().to(dtype), torch.randn(5, 3, dtype=dtype), torch.randn(5, 2, dtype=dtype)
    for result in everything(module, x, y):
        assert result.dtype == dtype
        assert not result.requires_grad
        assert bool(result.isfinite().all())


def test_twice_is_the_same_and_memory_order_does_not_matter() -> None:
    module, x, y = net(), torch.randn(5, 3), torch.randn(5, 2)
    spread, turned = torch.zeros(5, 6)[:, ::2].copy_(x), torch.zeros(2, 5).t().copy_(y)
    once = everything(module, x, y)
    assert all(torch.equal(a, b) for a, b in zip(once, everything(module, x, y), strict=True))
    assert all(torch.equal(a, b) for a, b in zip(once, everything(module, spread, turned), strict=True))


def test_one_example() -> None:
    module = net()
    assert layerwise.jacobian(module, torch.ones(1, 3)).shape == (1, 2, 34)


def test_frozen_parameters_belong_to_theta() -> None:
    module, x = net(), torch.randn(5, 3)
    whole = layerwise.jacobian(module, x)
    for parameter in module[0].parameters():
        parameter.requires_grad_(False)
    assert torch.equal(layerwise.jacobian(module, x), whole)


def test_a_graph_on_request() -> None:
    module, x, y = net().double(), torch.randn(5, 3).double(), torch.randn(5, 2).double()
    with layerwise.differentiable():
        results = everything(module, x, y)
    assert all(result.requires_grad for result in results)
    third = torch.autograd.grad(layerwise_sum(module, x, y), list(module.parameters()))
    assert all(bool(part.isfinite().all()) for part in third)


def layerwise_sum(module: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    with layerwise.differentiable():
        return layerwise.hessian_diagonal(module, x, y, loss=LOSS).sum()


def test_chunks_bound_the_columns_and_not_the_result() -> None:
    module, x, y = net(), torch.ones(6, 3), torch.ones(6, 2)
    for size in (1, 4, 6, 100):
        assert layerwise.jacobian(module, x, chunk_size=size).shape == (6, 2, 34)
        assert layerwise.ggn_diagonal(module, x, y, loss=LOSS, chunk_size=size).shape == (34,)
    with pytest.raises(layerwise.BadShape, match="chunk_size is 0, expected a whole number from 1"):
        layerwise.ggn_diagonal(module, x, y, loss=LOSS, chunk_size=0)


def test_chunks_of_a_matrix_add_up() -> None:
    module, x = nn.Sequential(nn.Linear(3, 2), nn.Tanh(), nn.Linear(2, 2)).double(), torch.randn(6, 3).double()
    y, loss = torch.zeros(6, 2).double(), nn.MSELoss(reduction="sum")
    for matrix in (layerwise.ggn, layerwise.hessian):
        each = [matrix(module, x[i : i + 2], y[i : i + 2], loss=loss, chunk_size=2) for i in (0, 2, 4)]
        assert torch.equal(matrix(module, x, y, loss=loss, chunk_size=2), each[0] + each[1] + each[2])
        blocks = matrix(module, x, y, loss=loss, structure="blocks", chunk_size=2)
        assert list(blocks) == ["0", "2"]
        with pytest.raises(layerwise.BadShape, match="no examples came"):
            matrix(module, x[:0], y[:0], loss=loss, chunk_size=2)


def test_a_layer_without_a_rule_says_which_method_it_lacks() -> None:
    class Cube(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x**3

    @layerwise.register(Cube)
    class CubeLayer(Elementwise):
        @property
        def slope(self) -> Tensor:
            return 3 * self.x**2

    with pytest.raises(TypeError, match=r"CubeLayer.*abstract method '?bend"):
        layerwise.jacobian(nn.Sequential(nn.Linear(3, 2), Cube()), torch.ones(5, 3))


class Pair(nn.Module):
    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x, x


class OwnLoss(nn.MSELoss):
    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return super().forward(input, target) / 3


@pytest.mark.parametrize(
    ("module", "loss", "message"),
    [
        (nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)), LOSS, "BatchNorm1d in training mode normalises over"),
        (nn.Sequential(nn.Linear(3, 2), nn.Dropout()), LOSS, "Dropout in training mode draws at random"),
        (nn.Sequential(nn.Linear(3, 2), nn.Softmax(0)), LOSS, r"Softmax\(dim=0\) on \(5, 2\) would mix examples"),
        (nn.Linear(3, 2), OwnLoss(), "no rule for the loss OwnLoss"),
        (nn.Linear(3, 2), nn.L1Loss(), "no rule for the loss L1Loss"),
        (nn.Linear(3, 2), nn.MSELoss(reduction="none"), "MSELoss has reduction 'none', expected 'mean' or 'sum'"),
        (nn.Sequential(nn.Linear(3, 2), nn.Flatten(0)), LOSS, "the batch axis must stay in front"),
    ],
)
def test_what_is_not_supported_is_said_by_name(module: nn.Module, loss: nn.Module, message: str) -> None:
    with pytest.raises(layerwise.Unsupported, match=message):
        layerwise.ggn_diagonal(module, torch.ones(5, 3), torch.ones(5, 2), loss=loss)


def test_a_module_that_returns_two_tensors_is_refused() -> None:
    with pytest.warns(layerwise.AutogradLayer), pytest.raises(layerwise.Unsupported, match="Pair returned tuple"):
        layerwise.jacobian(nn.Sequential(nn.Linear(3, 3), Pair()), torch.ones(5, 3))


def test_wrong_shapes_say_what_came_and_what_was_expected() -> None:
    module, x = nn.Linear(3, 2), torch.ones(5, 3)
    with pytest.raises(layerwise.BadShape, match=r"targets have shape \(5, 1\), expected \(5, 2\)"):
        layerwise.gradient(module, x, torch.ones(5, 1), loss=LOSS)
    with pytest.raises(layerwise.BadShape, match=r"v has shape \(3,\), expected \(8,\) or \(8, k\)"):
        layerwise.hvp(module, x, torch.ones(5, 2), torch.ones(3), loss=LOSS)
    with pytest.raises(layerwise.BadShape, match=r"out is \(1, 2, 8\) torch.float32 on cpu, expected \(5, 2, 8\)"):
        layerwise.jacobian(module, x, out=torch.empty(1, 2, 8))
    with pytest.raises(layerwise.BadShape, match="the batch axis comes first"):
        layerwise.jacobian(module, torch.ones(3))


def test_an_unknown_module_is_announced_and_right() -> None:
    module = nn.Sequential(nn.Linear(3, 3), nn.Hardtanh(-3, 3), nn.Linear(3, 2)).double()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.fill_(1)
    x = torch.tensor([[0.0, 1.0, 0.5], [4.0, 0.0, 0.0]], dtype=torch.float64)
    with pytest.warns(layerwise.AutogradLayer, match="Hardtanh has no rule of its own and goes through autograd"):
        jacobian = layerwise.jacobian(module, x, wrt="input")
    assert torch.equal(jacobian, torch.stack([torch.full((2, 3), 3.0), torch.zeros(2, 3)]).double())


def test_a_hook_is_honoured_through_autograd() -> None:
    module, x = nn.Linear(2, 1, bias=False).double(), torch.ones(3, 2, dtype=torch.float64)
    module.register_forward_hook(lambda _module, _inputs, output: 2 * output)
    with pytest.warns(layerwise.AutogradLayer):
        assert torch.equal(layerwise.jacobian(module, x), torch.full((3, 1, 2), 2.0, dtype=torch.float64))


def test_kfac_of_one_example_is_the_ggn_block() -> None:
    module, x = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 2)).double(), torch.ones(1, 2).double()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.arange(parameter.numel()).view(parameter.shape) - 2)
    y, loss = torch.zeros(1, 2).double(), nn.MSELoss(reduction="sum")
    blocks = layerwise.ggn(module, x, y, loss=loss, structure="blocks")
    for name, (A, B) in layerwise.kfac(module, x, y, loss=loss, fisher="exact").items():
        inputs = len(A) - 1
        weights = slice(0, inputs * len(B))
        assert torch.equal(torch.kron(B, A[:inputs, :inputs]), blocks[name][weights, weights])
        assert torch.equal(B * A[inputs, inputs], blocks[name][weights.stop :, weights.stop :])


def test_kfac_over_positions() -> None:
    conv = nn.Conv1d(1, 2, 2).double()
    with torch.no_grad():
        conv.weight.fill_(1)
        conv.bias.fill_(0)
    x = torch.tensor([[[1.0, 2.0, 3.0]]], dtype=torch.float64)
    y, loss = conv(x).detach() - 1, nn.MSELoss(reduction="sum")
    A, B = layerwise.kfac(conv, x, y, loss=loss)[""]
    assert torch.equal(A, torch.tensor([[2.5, 4.0, 1.5], [4.0, 6.5, 2.5], [1.5, 2.5, 1.0]], dtype=torch.float64))
    assert torch.equal(B, torch.full((2, 2), 8.0, dtype=torch.float64))
    A, B = layerwise.kfac(conv, x, y, loss=loss, sharing="reduce")[""]
    assert torch.equal(A, torch.tensor([[2.25, 3.75, 1.5], [3.75, 6.25, 2.5], [1.5, 2.5, 1.0]], dtype=torch.float64))
    assert torch.equal(B, torch.full((2, 2), 16.0, dtype=torch.float64))


@pytest.mark.parametrize(
    "conv", [nn.Conv1d(2, 2, 1, groups=2), nn.ConvTranspose1d(2, 2, 1), nn.ConvTranspose1d(2, 2, 1, groups=2)], ids=str
)
def test_kfac_refuses_convolutions_that_it_has_no_factors_for(conv: nn.Module) -> None:
    with pytest.raises(layerwise.Unsupported, match="transposed and grouped"):
        layerwise.kfac(conv, torch.ones(3, 2, 4), torch.ones(3, 2, 4), loss=LOSS)


@pytest.mark.parametrize(
    ("from_diag", "expected"), [(True, r"\(2,\) or \(5, 2\)"), (False, r"\(2, 2\) or \(5, 2, 2\)")]
)
def test_a_metric_of_another_shape_is_told_both_that_fit(from_diag: bool, expected: str) -> None:
    with pytest.raises(layerwise.BadShape, match=expected):
        layerwise.jTmjp(net(), torch.randn(5, 3), torch.ones(7), from_diag=from_diag)
