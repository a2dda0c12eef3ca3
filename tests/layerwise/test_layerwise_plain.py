"""Plain chains: what a product keeps between its two passes; that it is right, the exact tests say."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from xcheck import layerwise
from xcheck.layerwise import _plain_product
from xcheck.layerwise._plain import Affine, Bend, plain
from xcheck.layerwise._plain_product import cut, push

# Made anew under a seed: weights drawn at import would be others in each process, and a last ReLU could be shut.
CHAINS: dict[str, Callable[[], tuple[nn.Module, ...]]] = {
    "one after another": lambda: (nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 5), nn.SiLU(), nn.Linear(5, 2)),
    "two activations": lambda: (nn.Linear(3, 4), nn.Tanh(), nn.Sigmoid(), nn.Linear(4, 2), nn.SiLU(), nn.Tanh()),
    "a kink": lambda: (nn.Linear(3, 4), nn.ReLU(), nn.Tanh(), nn.Linear(4, 2)),
    "two linear layers": lambda: (nn.Tanh(), nn.Linear(3, 4), nn.Linear(4, 4, bias=False), nn.GELU(), nn.Linear(4, 2)),
}


def problem(name: str) -> tuple[nn.Module, Tensor, Tensor]:
    torch.manual_seed(0)
    module = nn.Sequential(*CHAINS[name]()).double()
    v = torch.randn(sum(p.numel() for p in module.parameters()), dtype=torch.float64)
    return module, torch.randn(7, 3, dtype=torch.float64), v


@pytest.mark.parametrize("name", CHAINS)
@torch.no_grad()
def test_between_the_passes_an_activation_is_its_two_ends(name: str) -> None:
    module, x, v = problem(name)
    chain = plain(module, x)
    assert chain is not None
    _, _, entering = push(chain, x, cut(chain, v), curved=True)
    begun = False
    for before, one, z in zip([None, *chain], chain, entering, strict=False):
        assert (z is not None) == (begun and not (isinstance(before, Bend) and isinstance(one, Affine)))
        if isinstance(one, Bend) and begun:
            assert set(vars(one.layer)) - {"x"} == {"module", "y"}
        begun = begun or isinstance(one, Affine)


@pytest.mark.parametrize("name", CHAINS)
def test_a_fault_in_what_is_made_again_is_seen(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, x, v = problem(name)
    y, loss, right, calls = torch.zeros(7, 2, dtype=torch.float64), nn.MSELoss(), _plain_product.leaving, []

    def wrong(one: Affine | Bend, z: Tensor | None) -> Tensor:
        calls.append(one)
        return right(one, z) * (2 if len(calls) > forward else 1)

    forward = 10**9
    monkeypatch.setattr(_plain_product, "leaving", wrong)
    before = layerwise.hvp(module, x, y, v, loss=loss)
    forward = len({id(one) for one in calls})
    assert len(calls) > forward
    calls.clear()
    assert not torch.equal(layerwise.hvp(module, x, y, v, loss=loss), before)
