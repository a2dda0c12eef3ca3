"""Linear: `y = x W^T + b`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from xcheck._lazy import torch
from xcheck.program._program import Array, Layer

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Linear(Layer):
    """`y = x W^T + b` with W of shape (c, d) and x of shape (n, ..., d), as `torch.nn.Linear`."""

    d: int
    c: int
    bias: bool = True

    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {"weight": (self.c, self.d)} | ({"bias": (self.c,)} if self.bias else {})

    def apply(self, xp: Any, params: Mapping[str, Array], x: Array) -> Array:
        y = xp.matmul(x, xp.permute_dims(params["weight"], (1, 0)))
        return y + params["bias"] if self.bias else y

    def torch(self) -> nn.Module:
        return torch.nn.Linear(self.d, self.c, bias=self.bias)
