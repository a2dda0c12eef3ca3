"""Layers that move entries and change none: flatten, unflatten, reshape, identity, dropout in evaluation."""

from __future__ import annotations

from torch import Tensor, nn

from xcheck.layerwise._errors import Unsupported
from xcheck.layerwise._registry import register
from xcheck.layerwise.layers.linear_map import LinearMap
from xcheck.layerwise.modules import Reshape


@register(nn.Flatten, nn.Unflatten, Reshape)
class Moved(LinearMap):
    """The entries of an example in another shape."""

    def forward(self, x: Tensor) -> Tensor:
        """The module's own, on a batch."""
        y = self.module.forward(x)
        if y.shape[:1] != x.shape[:1] or y.numel() != x.numel():
            raise Unsupported(
                f"layerwise: {self.module} turned {tuple(x.shape)} into {tuple(y.shape)}; "
                "the batch axis must stay in front"
            )
        return y

    def apply(self, x: Tensor) -> Tensor:
        """Another shape."""
        return x.reshape(-1, *self.y.shape[1:])

    def transpose(self, g: Tensor) -> Tensor:
        """The old shape."""
        return g.reshape(-1, *self.x.shape[1:])

    def vjp_squared(self, m: Tensor) -> Tensor:
        """The old shape."""
        return self.transpose(m)

    def jvp_squared(self, m: Tensor) -> Tensor:
        """Another shape."""
        return self.apply(m)


@register(nn.Identity, nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout, nn.FeatureAlphaDropout)
class Same(Moved):
    """The identity; dropout is one in evaluation mode."""

    def forward(self, x: Tensor) -> Tensor:
        """`x`, unless dropout would draw at random."""
        if self.module.training and not isinstance(self.module, nn.Identity):
            raise Unsupported(
                f"layerwise: {type(self.module).__name__} in training mode draws at random; call module.eval() first"
            )
        return x
