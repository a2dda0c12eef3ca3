"""The products of nnj, on networks of integers: each equals the same product of torch.func's Jacobian."""

import pytest
import torch
from torch import Tensor, nn

from xcheck import layerwise

Problem = tuple[nn.Module, Tensor, Tensor, nn.Module]


def whole(*shape: int) -> Tensor:
    return torch.randint(-2, 3, shape, generator=torch.Generator().manual_seed(7)).double()


@pytest.fixture(params=["weight", "input"])
def jacobian(request: pytest.FixtureRequest, problem: Problem, truth) -> tuple[str, Tensor]:
    """By what, and J (n, c, q)."""
    if request.param == "input" and not problem[1].is_floating_point():
        pytest.skip("tokens have no derivative")
    return request.param, truth.jacobian if request.param == "weight" else truth.jacobian_inputs


def test_vectors_and_matrices(problem: Problem, jacobian: tuple[str, Tensor]) -> None:
    (module, x, _, _), (wrt, J) = problem, jacobian
    n, c, q = J.shape
    v, u, M, L = whole(n, q), whole(n, c), whole(n, q, 2), whole(n, 3, c)
    assert torch.equal(layerwise.jvp(module, x, v, wrt=wrt), torch.einsum("ncq,nq->nc", J, v))
    assert torch.equal(layerwise.vjp(module, x, u, wrt=wrt), torch.einsum("ncq,nc->nq", J, u))
    assert torch.equal(layerwise.jmp(module, x, M, wrt=wrt), J @ M)
    assert torch.equal(layerwise.jmp(module, x, M[0], wrt=wrt), J @ M[0])
    assert torch.equal(layerwise.mjp(module, x, L, wrt=wrt), L @ J)
    assert torch.equal(layerwise.mjp(module, x, wrt=wrt), J)
    assert torch.equal(layerwise.jmp(module, x, wrt=wrt), J)


@pytest.mark.parametrize("from_diag", [False, True])
def test_metrics(problem: Problem, jacobian: tuple[str, Tensor], from_diag: bool) -> None:
    (module, x, _, _), (wrt, J) = problem, jacobian
    n, c, q = J.shape
    M, m = whole(n, c, c), whole(n, c)
    Q, d = whole(n, q, q), whole(n, q)
    back, ahead = (m, d) if from_diag else (M, Q)
    options = {"wrt": wrt, "from_diag": from_diag}
    pulled = J.transpose(1, 2) @ (torch.diag_embed(m) if from_diag else M) @ J
    pushed = J @ (torch.diag_embed(d) if from_diag else Q) @ J.transpose(1, 2)
    assert torch.equal(layerwise.jTmjp(module, x, back, **options), pulled)
    assert torch.equal(layerwise.jTmjp(module, x, back, to_diag=True, **options), pulled.diagonal(dim1=1, dim2=2))
    assert torch.equal(layerwise.jmjTp(module, x, ahead, **options), pushed)
    assert torch.equal(layerwise.jmjTp(module, x, ahead, to_diag=True, **options), pushed.diagonal(dim1=1, dim2=2))
    assert torch.equal(layerwise.jTmjp(module, x, wrt=wrt), J.transpose(1, 2) @ J)


def test_blocks_are_cut_from_the_whole(problem: Problem, truth) -> None:
    module, x, _, _ = problem
    full = truth.jacobian.transpose(1, 2) @ truth.jacobian
    start = 0
    for block in layerwise.jTmjp(module, x, structure="blocks").values():
        assert torch.equal(block, full[:, start : start + block.shape[1], start : start + block.shape[1]])
        start += block.shape[1]
    assert start == full.shape[1]


def test_two_batches(problem: Problem, jacobian: tuple[str, Tensor]) -> None:
    (module, x, _, _), (wrt, J) = problem, jacobian
    other = x.flip(0)
    K = J.flip(0)
    M11, M12, M22 = whole(4, J.shape[1], J.shape[1]), whole(J.shape[1], J.shape[1]), whole(J.shape[1], J.shape[1])
    found = layerwise.jTmjp_batch2(module, x, other, (M11, M12, M22), wrt=wrt)
    expected = J.mT @ M11 @ J, J.mT @ M12 @ K, K.mT @ M22 @ K
    assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))
    diagonals = layerwise.jTmjp_batch2(module, x, other, wrt=wrt, to_diag=True)
    assert torch.equal(diagonals[1], (J * K).sum(1))


def test_the_approximate_diagonal_keeps_only_squares() -> None:
    first, second = nn.Linear(2, 3).double(), nn.Linear(3, 2).double()
    with torch.no_grad():
        for parameter in (*first.parameters(), *second.parameters()):
            parameter.copy_(whole(*parameter.shape))
    x, m = whole(4, 2), whole(4, 2)
    at_hidden = m @ second.weight.square()
    expected = torch.cat(
        [
            (at_hidden[:, :, None] * x.square()[:, None]).flatten(1), at_hidden,
            (m[:, :, None] * first(x).detach().square()[:, None]).flatten(1), m,
        ], dim=1,
    )  # fmt: skip
    module = nn.Sequential(first, second)
    options = {"from_diag": True, "to_diag": True, "diag_backprop": True}
    assert torch.equal(layerwise.jTmjp(module, x, m, **options), expected)
    ones = torch.ones(4, 2, dtype=torch.float64)
    summed = layerwise.ggn_diagonal_backprop(module, x, whole(4, 2), loss=nn.MSELoss(reduction="sum"))
    assert torch.equal(summed, 2 * layerwise.jTmjp(module, x, ones, **options).sum(0))
    assert torch.equal(summed, layerwise.ggn_diagonal(module, x, whole(4, 2), loss=nn.MSELoss(reduction="sum")))


def test_the_approximate_diagonal_differs_behind_four_layers() -> None:
    torch.manual_seed(0)
    layers = [nn.Linear(3, 3).double() for _ in range(4)]
    for layer in layers:
        with torch.no_grad():
            layer.weight.copy_(whole(3, 3))
    x, y, loss = whole(4, 3), whole(4, 3), nn.MSELoss(reduction="sum")
    exact = layerwise.ggn_diagonal(nn.Sequential(*layers), x, y, loss=loss)
    assert not torch.equal(layerwise.ggn_diagonal_backprop(nn.Sequential(*layers), x, y, loss=loss), exact)
