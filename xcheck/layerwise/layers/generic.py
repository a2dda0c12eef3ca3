"""The layer of last resort: any module that maps one tensor to one tensor, example by example, through `torch.func`."""

from __future__ import annotations

from functools import cached_property

from torch import Tensor, nn
from torch.func import functional_call, jvp, vjp, vmap

from xcheck.layerwise._errors import Unsupported
from xcheck.layerwise._layer import Layer, Weights


def refuse_training(module: nn.Module) -> None:
    """A layer that mixes the examples of a batch, or draws at random, has no per-example Jacobian."""
    for part in module.modules():
        name = type(part).__name__
        if part.training and isinstance(part, nn.modules.batchnorm._BatchNorm):
            raise Unsupported(
                f"layerwise: {name} in training mode normalises over the batch, so that no example has a Jacobian of "
                "its own; call module.eval() first"
            )
        if part.training and isinstance(part, nn.modules.dropout._DropoutNd) and part.p > 0:
            raise Unsupported(f"layerwise: {name} in training mode draws at random; call module.eval() first")


class Autograd(Layer):
    """`torch.func` on the module's own forward, hooks and all."""

    @cached_property
    def weights(self) -> Weights:
        """All parameters below the module."""
        return tuple(self.module.parameters())

    def forward(self, x: Tensor) -> Tensor:
        """Call the module; a result that is no tensor, or a training mode that mixes examples, is refused by name."""
        refuse_training(self.module)
        y = self.module(x)
        if not isinstance(y, Tensor):
            raise Unsupported(
                f"layerwise: {type(self.module).__name__} returned {type(y).__name__}, expected one tensor; "
                "wrap it in a module that returns one"
            )
        return y

    def _one(self, weights: dict[str, Tensor], x: Tensor) -> Tensor:
        return functional_call(self.module, weights, (x[None],))[0]

    def jvp(self, v: Tensor) -> Tensor:
        """`J v` in forward mode."""
        return vmap(lambda column: jvp(self.module, (self.x,), (column,))[1])(v)

    def vjp(self, g: Tensor) -> Tensor:
        """`g J` in reverse mode."""
        return vmap(vjp(self.module, self.x)[1])(g)[0]

    def jvp_weight(self, w: Weights) -> Tensor:
        """`J_w v`, example by example."""
        n, weights = len(self.x), dict(self.module.named_parameters())
        each = [
            part if part.ndim == own.ndim + 2 else part[:, None].expand(-1, n, *own.shape)
            for part, own in zip(w, self.weights, strict=True)
        ]

        def one(x: Tensor, tangents: dict[str, Tensor]) -> Tensor:
            return jvp(lambda own: self._one(own, x), (weights,), (tangents,))[1]

        named = dict(zip(weights, each, strict=True))
        return vmap(vmap(one), in_dims=(None, 0))(self.x, named)

    def vjp_weight_each(self, g: Tensor) -> Weights:
        """`g J_w`, example by example."""
        weights = dict(self.module.named_parameters())

        def one(x: Tensor, cotangent: Tensor) -> dict[str, Tensor]:
            return vjp(lambda own: self._one(own, x), weights)[1](cotangent)[0]

        return tuple(vmap(vmap(one), in_dims=(None, 0))(self.x, g).values())

    def jacobian(self, wrt: str) -> Tensor | None:
        """`J` from the unit columns, for the products that only it has."""
        shape = self.y.shape[1:]
        unit = self.y.new_zeros(shape.numel(), shape.numel()).fill_diagonal_(1).view(-1, 1, *shape)
        unit = unit.expand(-1, len(self.x), *shape)
        rows = self.vjp(unit).flatten(2) if wrt == "input" else self.rows(unit).unflatten(0, unit.shape[:2])
        return rows.transpose(0, 1)
