"""A recurrent cell, unrolled over the positions of a sequence (Elman 1990)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from xcheck._lazy import torch
from xcheck.arrays import Descriptor, Uniform
from xcheck.program._program import Array, Layer
from xcheck.program.layers._modules import module_of

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Recurrent(Layer):
    """`h_t = tanh(W_x x_t + b_x + W_h h_{t-1} + b_h)`, `h_1 = tanh(W_x x_1 + b_x)`; y is the last of them.

    x is (n, t, d), y is (n, h). The module calls its two linear layers once a position.
    """

    d: int
    h: int

    def shapes(self) -> dict[str, tuple[int, ...]]:
        d, h = self.d, self.h
        return {"input.weight": (h, d), "input.bias": (h,), "state.weight": (h, h), "state.bias": (h,)}

    def init(self, seed: int) -> dict[str, Descriptor]:
        bound = self.h**-0.5
        shapes = self.shapes().items()
        return {name: Uniform(shape, 1000 * seed + k, -bound, bound) for k, (name, shape) in enumerate(shapes)}

    def apply(self, xp: Any, params: Mapping[str, Array], x: Array) -> Array:
        outer, inner = (xp.permute_dims(params[f"{name}.weight"], (1, 0)) for name in ("input", "state"))
        h = xp.tanh(xp.matmul(x[:, 0], outer) + params["input.bias"])
        for t in range(1, x.shape[1]):
            arrived = xp.matmul(x[:, t], outer) + params["input.bias"]
            h = xp.tanh(arrived + xp.matmul(h, inner) + params["state.bias"])
        return h

    def torch(self) -> nn.Module:
        def unrolled(children: Any, x: Any) -> Any:
            first, *rest = x.unbind(dim=1)
            h = torch.tanh(children.input(first))
            for step in rest:
                h = torch.tanh(children.input(step) + children.state(h))
            return h

        return module_of(unrolled, input=torch.nn.Linear(self.d, self.h), state=torch.nn.Linear(self.h, self.h))
