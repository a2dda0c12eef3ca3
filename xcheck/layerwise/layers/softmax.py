"""Softmax and its logarithm along any axis but the batch."""

from __future__ import annotations

from torch import Tensor, nn

from xcheck.layerwise._errors import Unsupported
from xcheck.layerwise._layer import Layer, Weights
from xcheck.layerwise._once import once
from xcheck.layerwise._registry import register


class _Along(Layer):
    """What both share: the axis, counted from the end so that leading axes of columns do not matter."""

    module: nn.Softmax | nn.LogSoftmax

    def forward(self, x: Tensor) -> Tensor:
        """The module's own, unless it normalises over the batch."""
        dim = self.module.dim
        if dim is None or dim in (0, -x.ndim):
            raise Unsupported(
                f"layerwise: {type(self.module).__name__}(dim={dim}) on {tuple(x.shape)} would mix examples; "
                "give it another axis than the batch's"
            )
        self.axis = dim if dim < 0 else dim - x.ndim
        return self.module.forward(x)

    def along(self, a: Tensor) -> Tensor:
        """Sum along the axis."""
        return a.sum(self.axis, keepdim=True)

    def residual_weight(self, g: Tensor) -> None:
        """No weights."""


@register(nn.Softmax)
class Softmax(_Along):
    """`J = diag y - y y^T`, symmetric."""

    def jvp(self, v: Tensor) -> Tensor:
        """`y (v - y.v)`."""
        return self.y * (v - self.along(self.y * v))

    def vjp(self, g: Tensor) -> Tensor:
        """J is symmetric."""
        return self.jvp(g)

    def second(self, g: Tensor, v: Tensor | None, w: Weights | None) -> tuple[Tensor | None, Weights | None]:
        """`u (g - y.g) - y (u.g)` with `u = J v`."""
        if v is None:
            return None, None
        u = self.jvp(v)
        return u * (g - self.along(self.y * g)) - self.y * self.along(u * g), None


@register(nn.LogSoftmax)
class LogSoftmax(_Along):
    """`J = I - 1 p^T` with `p = e^y`."""

    @once
    def _p(self) -> Tensor:
        return self.y.exp()

    def jvp(self, v: Tensor) -> Tensor:
        """`v - p.v`."""
        return v - self.along(self._p * v)

    def vjp(self, g: Tensor) -> Tensor:
        """`g - p sum g`."""
        return g - self._p * self.along(g)

    def second(self, g: Tensor, v: Tensor | None, w: Weights | None) -> tuple[Tensor | None, Weights | None]:
        """`-p (v - p.v) sum g`."""
        return (None if v is None else -self._p * self.jvp(v) * self.along(g)), None
