"""Networks of small integers: every result is exact in float64, so that tests compare with `torch.equal`."""

from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call, hessian, jacrev

from xcheck import layerwise
from xcheck.layerwise.layers.elementwise import Elementwise


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Wide products are the kernels' in one thread only."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


class Square(nn.Module):
    """An elementwise module with curvature and exact values."""

    def forward(self, x: Tensor) -> Tensor:
        return x**2


class Scale(nn.Module):
    """A module with a weight in which it is not linear: `y = w^2 x^2`."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.ones(size))

    def forward(self, x: Tensor) -> Tensor:
        return self.w**2 * x**2


@layerwise.register(Square)
class SquareLayer(Elementwise):
    """By formulas."""

    @property
    def slope(self) -> Tensor:
        return 2 * self.x

    @property
    def bend(self) -> Tensor:
        return torch.full_like(self.x, 2)


@layerwise.register(Scale)
class ScaleLayer(layerwise.Layer):
    """By one method."""

    def jacobian(self, wrt: str) -> Tensor | None:
        w, x = self.module.w, self.x
        return torch.diag_embed(2 * w**2 * x if wrt == "input" else 2 * w * x**2)


def integers(module: nn.Module, seed: int = 0) -> nn.Module:
    """The module in float64 with weights from -1 to 1."""
    generator = torch.Generator().manual_seed(seed)
    module = module.double().eval()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randint(-1, 2, parameter.shape, generator=generator))
    return module


def draw(*shape: int, seed: int = 1) -> Tensor:
    """Integers from -2 to 2 in float64."""
    return torch.randint(-2, 3, shape, generator=torch.Generator().manual_seed(seed)).double()


class Truth:
    """Jacobian, GGN and Hessian of a network of integers by `torch.func`, exact like everything else here."""

    def __init__(self, module: nn.Module, x: Tensor, y: Tensor, loss: nn.Module) -> None:
        names = [name for name, _ in module.named_parameters()]
        sizes = [p.numel() for p in module.parameters()]
        shapes = [p.shape for p in module.parameters()]
        theta = torch.cat([p.detach().flatten() for p in module.parameters()])

        def outputs(flat: Tensor, inputs: Tensor = x) -> Tensor:
            parts = [part.view(shape) for part, shape in zip(flat.split(sizes), shapes, strict=True)]
            return functional_call(module, dict(zip(names, parts, strict=True)), (inputs,))

        f = outputs(theta)
        n, c = len(f), f[0].numel()
        self.jacobian = jacrev(lambda flat: outputs(flat).flatten(1))(theta)
        if x.is_floating_point():
            each = [jacrev(lambda one: outputs(theta, one[None]).flatten())(one).flatten(1) for one in x]
            self.jacobian_inputs = torch.stack(each)
        over_outputs = hessian(lambda out: loss(out.view_as(f), y))(f.flatten()).view(n, c, n, c)
        self.output_hessian = torch.stack([over_outputs[i, :, i] for i in range(n)])
        self.ggn = torch.einsum("ncp,ncd,ndq->pq", self.jacobian, self.output_hessian, self.jacobian)
        self.hessian = hessian(lambda flat: loss(outputs(flat), y))(theta)
        self.gradient = jacrev(lambda flat: loss(outputs(flat), y))(theta)


def _mlp() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 4), Square(), nn.Linear(4, 3, bias=False), nn.ReLU(), nn.Linear(3, 2))


def _deep() -> nn.Module:
    inner = nn.Sequential(nn.Linear(3, 2), Square(), nn.Linear(2, 3))
    return nn.Sequential(nn.Linear(2, 3), Square(), inner, nn.ReLU(), nn.Linear(3, 2), Square(), nn.Linear(2, 2))


def _doubled() -> nn.Module:
    """Activations in a row, linear layers in a row, an activation at either end."""
    front = (nn.ReLU(), nn.Linear(3, 3), Square(), nn.LeakyReLU(2.0), nn.Linear(3, 2), nn.Linear(2, 3, bias=False))
    return nn.Sequential(*front, nn.ReLU(), Square(), nn.Linear(3, 2), Square())


def _row_at_the_end() -> nn.Module:
    """LeakyReLU before Square, since behind it all is positive and has the slope 1."""
    return nn.Sequential(nn.Linear(3, 3), Square(), nn.Linear(3, 2), nn.LeakyReLU(2.0), Square())


def _rows_of_three() -> nn.Module:
    """At the start, in the middle and at the end."""

    def row() -> tuple[nn.Module, ...]:
        return nn.LeakyReLU(2.0), nn.LeakyReLU(0.5), Square()

    return nn.Sequential(*row(), nn.Linear(3, 3), *row(), nn.Linear(3, 2), *row())


def _rows_with_gaps() -> nn.Module:
    """What only passes on lies between the activations of a row."""
    front = (nn.Linear(4, 3), nn.LeakyReLU(2.0), nn.Dropout(), nn.LeakyReLU(0.5), nn.Identity(), Square())
    inner = nn.Sequential(nn.LeakyReLU(2.0), nn.Sequential(nn.Flatten(), Square()), nn.Dropout())
    return nn.Sequential(nn.Flatten(), *front, nn.Linear(3, 2), nn.LeakyReLU(0.5), nn.Identity(), inner)


def _rows_on_images() -> nn.Module:
    front = (nn.Conv2d(1, 2, 2), nn.LeakyReLU(2.0), Square(), nn.Conv2d(2, 2, 1), nn.LeakyReLU(2.0), nn.MaxPool2d(2, 1))
    skip = layerwise.Skip(nn.Linear(2, 2), nn.LeakyReLU(2.0), nn.LeakyReLU(0.5))
    return nn.Sequential(*front, nn.LeakyReLU(0.5), nn.Flatten(), nn.LeakyReLU(2.0), skip, nn.LeakyReLU(2.0), Square())


def _wide() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 40), Square(), nn.Linear(40, 2))


def _one_method() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 3), Scale(3), nn.Linear(3, 2), Scale(2))


def _conv() -> nn.Module:
    front = nn.Sequential(
        nn.Conv2d(1, 2, 2, stride=2, padding=1, padding_mode="circular"), Square(), nn.MaxPool2d(2, 1)
    )
    return nn.Sequential(front, nn.ConvTranspose2d(2, 1, 2, bias=False), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(1, 2))


def _conv1d() -> nn.Module:
    front = nn.Sequential(nn.Conv1d(2, 4, 3, padding="same", dilation=2, groups=2), Square())
    return nn.Sequential(front, nn.AdaptiveMaxPool1d(2), nn.Upsample(scale_factor=2), nn.Flatten(), nn.Linear(16, 2))


def _residual() -> nn.Module:
    inner = layerwise.Skip(nn.Linear(2, 2), Square(), layerwise.Skip(nn.ReLU()))
    return nn.Sequential(
        nn.Linear(3, 2), Square(), inner, layerwise.SkipConcat(nn.Linear(2, 1), Square()), nn.Linear(3, 2)
    )


def _shared() -> nn.Module:
    twice = nn.Linear(3, 3)
    return nn.Sequential(twice, Square(), twice, nn.ReLU(), nn.Linear(3, 2))


def _tied() -> nn.Module:
    first, second = nn.Linear(2, 2), nn.Linear(2, 2)
    second.weight = first.weight
    return nn.Sequential(first, Square(), second)


def _tokens() -> nn.Module:
    return nn.Sequential(nn.Embedding(3, 2), Square(), nn.Linear(2, 2), nn.Flatten(), nn.Linear(6, 2))


def _kinked() -> nn.Module:
    """Inputs and weights of 0 put half of the gates exactly on the kink."""
    return nn.Sequential(nn.ReLU(), nn.Linear(3, 3, bias=False), nn.LeakyReLU(0.5), nn.Linear(3, 2))


NETWORKS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "linear": (lambda: nn.Linear(3, 2), (3,)),
    "mlp": (_mlp, (3,)),
    "deep": (_deep, (2,)),
    "doubled": (_doubled, (3,)),
    "row_at_the_end": (_row_at_the_end, (3,)),
    "rows_of_three": (_rows_of_three, (3,)),
    "rows_with_gaps": (_rows_with_gaps, (2, 2)),
    "rows_on_images": (_rows_on_images, (1, 3, 3)),
    "wide": (_wide, (3,)),
    "one_method": (_one_method, (3,)),
    "conv": (_conv, (1, 3, 3)),
    "conv1d": (_conv1d, (2, 3)),
    "residual": (_residual, (3,)),
    "shared": (_shared, (3,)),
    "tied": (_tied, (2,)),
    "tokens": (_tokens, (3,)),
    "kinked": (_kinked, (3,)),
}


#: At the weights of seed 0 almost all of its derivatives are zero, which any fault leaves alone.
SEEDS = {"doubled": 1}


@pytest.fixture(params=NETWORKS)
def network(request: pytest.FixtureRequest) -> tuple[nn.Module, Tensor]:
    """A network of integers and four inputs, so that a mean over two outputs is exact."""
    build, shape = NETWORKS[request.param]
    x = draw(4, *shape)
    return integers(build(), SEEDS.get(request.param, 0)), x.abs().long() if request.param == "tokens" else x


@pytest.fixture(params=["sum", "mean"])
def problem(
    request: pytest.FixtureRequest, network: tuple[nn.Module, Tensor]
) -> tuple[nn.Module, Tensor, Tensor, nn.Module]:
    """Network, inputs, targets and MSE loss."""
    module, x = network
    return module, x, draw(*module(x).shape, seed=2), nn.MSELoss(reduction=request.param)


@pytest.fixture
def truth(problem: tuple[nn.Module, Tensor, Tensor, nn.Module]) -> Truth:
    """What `torch.func` says."""
    return Truth(*problem)
