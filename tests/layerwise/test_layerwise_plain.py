"""Plain chains: what a product keeps between its two passes; that it is right, the tests of random networks say."""

import pytest
import torch
from torch import Tensor, nn

from xcheck.layerwise._plain import Affine, Bend, plain
from xcheck.layerwise._plain_product import cut, push

CHAINS = {
    "one after another": (nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 5), nn.SiLU(), nn.Linear(5, 2)),
    "two activations": (nn.Linear(3, 4), nn.Tanh(), nn.Sigmoid(), nn.Linear(4, 2), nn.Tanh(), nn.ReLU()),
    "two linear layers": (nn.Tanh(), nn.Linear(3, 4), nn.Linear(4, 4, bias=False), nn.GELU(), nn.Linear(4, 2)),
}


def problem(name: str) -> tuple[nn.Module, Tensor, Tensor]:
    torch.manual_seed(0)
    module = nn.Sequential(*CHAINS[name]).double()
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
