"""The layer of last resort: any module from tensor to tensor, example by example, by reverse-mode autograd."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.func import functional_call

from xcheck.layerwise._bend import bend
from xcheck.layerwise._errors import Unsupported
from xcheck.layerwise._layer import Layer, Weights
from xcheck.layerwise._once import once


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
    """Autograd on the module's own forward, hooks and all."""

    @once
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

    def _run(self, x: Tensor, weights: Weights) -> Tensor:
        names = [name for name, _ in self.module.named_parameters()]
        return functional_call(self.module, dict(zip(names, weights, strict=True)), (x,))

    def _leaves(self, x: Tensor) -> tuple[Tensor, ...]:
        """Input and weights that autograd may differentiate by, kept in the graph where one is recorded."""
        keep = torch.is_grad_enabled()
        return tuple(t if keep and t.requires_grad else t.detach().requires_grad_() for t in (x, *self.weights))

    def _pull(self, x: Tensor, g: Tensor) -> list[tuple[Tensor, ...]]:
        """`(g J, sum_n g J_w)` of a batch for each column of g."""
        recorded, places = torch.is_grad_enabled(), self._leaves(x)
        with torch.enable_grad():
            y = self._run(places[0], places[1:])
            return [
                torch.autograd.grad(
                    y, places, column, retain_graph=True, create_graph=recorded, allow_unused=True,
                    materialize_grads=True,
                )
                for column in g
            ]  # fmt: skip

    def vjp(self, g: Tensor) -> Tensor:
        """`g J`, one backward pass a column."""
        return torch.stack([parts[0] for parts in self._pull(self.x, g)])

    def vjp_weight(self, g: Tensor) -> Weights:
        """`sum_n g J_w`, one backward pass a column."""
        return tuple(torch.stack(parts) for parts in zip(*(parts[1:] for parts in self._pull(self.x, g)), strict=True))

    def vjp_weight_each(self, g: Tensor) -> Weights:
        """`g J_w`, one backward pass a column and example."""
        examples = [self._pull(x[None], g[:, n : n + 1]) for n, x in enumerate(self.x)]
        by_weight = [zip(*(column[1:] for column in pulled), strict=True) for pulled in examples]
        columns = [[torch.stack(parts) for parts in weights] for weights in by_weight]
        return tuple(torch.stack(parts, dim=1) for parts in zip(*columns, strict=True))

    def _push(self, x: Tensor, tangents: list[tuple[Tensor, ...]], first: int) -> Tensor:
        """`J v` as the derivative of `u J` by u: no forward-mode rule is needed. `first` is 0 for x, 1 for weights."""
        recorded, places = torch.is_grad_enabled(), self._leaves(x)
        with torch.enable_grad():
            y = self._run(places[0], places[1:])
            u = torch.zeros_like(y, requires_grad=True)
            chosen = places[:1] if first == 0 else places[1:]
            back = torch.autograd.grad(y, chosen, u, create_graph=True, allow_unused=True, materialize_grads=True)
            return torch.stack(
                [torch.autograd.grad(back, u, v, retain_graph=True, create_graph=recorded)[0] for v in tangents]
            )

    def jvp(self, v: Tensor) -> Tensor:
        """`J v`, column by column."""
        return self._push(self.x, [(column,) for column in v], 0)

    def jvp_weight(self, w: Weights) -> Tensor:
        """`J_w v`, column by column, and example by example where their tangents differ."""
        if w[0].ndim == self.weights[0].ndim + 1:
            return self._push(self.x, list(zip(*w, strict=True)), 1)
        each = [
            self._push(x[None], list(zip(*(part[:, n] for part in w), strict=True)), 1) for n, x in enumerate(self.x)
        ]
        return torch.cat(each, dim=1)

    def second(self, g: Tensor, v: Tensor | None, w: Weights | None) -> tuple[Tensor | None, Weights | None]:
        """A second backward pass through the first."""

        def cotangents(x: Tensor, weights: Weights) -> tuple[Tensor, ...]:
            y = self._run(x, weights)
            return torch.autograd.grad(
                y, (x, *weights), g, create_graph=True, allow_unused=True, materialize_grads=True
            )

        return bend(cotangents, self.x, self.weights, v, w)
