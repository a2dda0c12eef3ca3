"""`Chain`: layers one after another (`torch.nn.Sequential`), nested to any depth; the chain rule and nothing else."""

from __future__ import annotations

from torch import Tensor, nn

from xcheck.layerwise._forms import Columns
from xcheck.layerwise._layer import Layer, Pulled, Visit, Weights
from xcheck.layerwise._once import once
from xcheck.layerwise._registry import at, register
from xcheck.layerwise._theta import Sums, Theta


class Composite(Layer):
    """A layer made of layers: it has no weights of its own, and its walks are those of its parts."""

    def __init__(self, module: nn.Module, x: Tensor, theta: Theta) -> None:
        self.module, self.x, self.theta = module, x, theta
        self.where = ()
        self.y = self.forward(x)

    @once
    def weights(self) -> Weights:
        """None of its own."""
        return ()

    def jvp(self, v: Tensor) -> Tensor:
        """`J v`."""
        out = self.push(v, None)
        assert out is not None
        return out

    def vjp(self, g: Tensor) -> Tensor:
        """`g J`."""
        pulled = self.pull(Pulled([Columns(g)], None), _nothing, need=True)
        assert pulled is not None
        return pulled.forms[0].pair(g.shape[1])[0]


def _nothing(layer: Layer, pulled: Pulled) -> None:
    """Visit no weights."""


@register(nn.Sequential)
class Chain(Composite):
    """`y = f_L(... f_1(x))`: tangents go forward, forms and gradients backward, to the first layer with weights."""

    def forward(self, x: Tensor) -> Tensor:
        """Run the layers, each keeping its own input and output."""
        self.layers: list[Layer] = []
        for module in self.module._modules.values():
            assert module is not None
            layer = at(module, x, self.theta)
            self.layers.append(layer)
            x = layer.y
        self.first = next((i for i, layer in enumerate(self.layers) if layer.weighted), len(self.layers))
        return x

    @property
    def narrow(self) -> bool:
        """Whether all layers with weights keep examples innermost."""
        return all(layer.narrow for layer in self.layers if layer.weighted)

    @property
    def weighted(self) -> bool:
        """Whether any layer has weights."""
        return self.first < len(self.layers)

    def push(self, v: Tensor | None, t: Tensor | None) -> Tensor | None:
        """Forward through every layer."""
        for layer in self.layers:
            v = layer.push(v, t)
        return v

    def pull(self, pulled: Pulled, visit: Visit, need: bool) -> Pulled | None:
        """Backward through every layer, or down to the first with weights."""
        current: Pulled | None = pulled
        for i in range(len(self.layers) - 1, -1 if need else self.first - 1, -1):
            assert current is not None
            current = self.layers[i].pull(current, visit, need or i > self.first)
        return current

    def turn(self, g: Tensor, dg: Tensor, t: Tensor, sums: Sums, need: bool) -> tuple[Tensor, Tensor] | None:
        """Backward with tangents."""
        pair: tuple[Tensor, Tensor] | None = (g, dg)
        for i in range(len(self.layers) - 1, -1 if need else self.first - 1, -1):
            assert pair is not None
            pair = self.layers[i].turn(*pair, t, sums, need or i > self.first)
        return pair

    def pull_squared(self, m: Tensor, visit: Visit, need: bool) -> Tensor | None:
        """Backward through every layer, a diagonal at each."""
        current: Tensor | None = m
        for i in range(len(self.layers) - 1, -1 if need else self.first - 1, -1):
            assert current is not None
            current = self.layers[i].pull_squared(current, visit, need or i > self.first)
        return current

    def vjp_squared(self, m: Tensor) -> Tensor:
        """`m` through the squared Jacobian of every layer."""
        for layer in reversed(self.layers):
            m = layer.vjp_squared(m)
        return m

    def jvp_squared(self, m: Tensor) -> Tensor:
        """`m` through the squared Jacobian of every layer."""
        for layer in self.layers:
            m = layer.jvp_squared(m)
        return m
