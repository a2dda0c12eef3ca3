"""Modules that torch.nn lacks and nnj has: sine, exponentials, L2 normalisation, reshape, skip connections."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Sin(nn.Module):
    """`sin x`.

    >>> Sin()(torch.zeros(1, 1))
    tensor([[0.]])
    """

    def forward(self, x: Tensor) -> Tensor:
        """`sin x`."""
        return torch.sin(x)


class Exp(nn.Module):
    """`e^x`.

    >>> Exp()(torch.zeros(1, 1))
    tensor([[1.]])
    """

    def forward(self, x: Tensor) -> Tensor:
        """`e^x`."""
        return torch.exp(x)


class TruncExp(nn.Module):
    """`e^x` for `|x| <= limit`, continued by its tangents: the slope is `e^clamp(x)`, bounded.

    >>> TruncExp(limit=0.0)(torch.tensor([[2.0]]))
    tensor([[3.]])
    """

    def __init__(self, limit: float = 15.0) -> None:
        super().__init__()
        self.limit = limit

    def forward(self, x: Tensor) -> Tensor:
        """`e^c (1 + x - c)` with `c = clamp(x)`."""
        inside = x.clamp(-self.limit, self.limit)
        return torch.exp(inside) * (1 + (x - inside))


class L2Norm(nn.Module):
    """`x / (|x| + eps)` with the norm over all entries of an example.

    >>> L2Norm(eps=0.0)(torch.tensor([[3.0, 4.0]]))
    tensor([[0.6000, 0.8000]])
    """

    def __init__(self, eps: float = 1e-6) -> None:
        super().__init__()
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        """`x / (|x| + eps)`."""
        norm = torch.linalg.vector_norm(x.flatten(1), dim=1)
        return x / (norm.view(-1, *[1] * (x.ndim - 1)) + self.eps)


class Reshape(nn.Module):
    """The entries of an example in the shape `dims`.

    >>> Reshape(2, 1)(torch.zeros(3, 2)).shape
    torch.Size([3, 2, 1])
    """

    def __init__(self, *dims: int) -> None:
        super().__init__()
        self.dims = dims

    def forward(self, x: Tensor) -> Tensor:
        """(n, *anything) -> (n, *dims)."""
        return x.reshape(len(x), *self.dims)


class Skip(nn.Sequential):
    """`x + f(x)`, with f the modules in a row.

    >>> Skip(nn.Identity())(torch.ones(1, 1))
    tensor([[2.]])
    """

    def forward(self, input: Tensor) -> Tensor:
        """`x + f(x)`."""
        return input + super().forward(input)


class SkipConcat(nn.Sequential):
    """`[x, f(x)]` along axis 1, with f the modules in a row.

    >>> SkipConcat(nn.Identity())(torch.ones(1, 1))
    tensor([[1., 1.]])
    """

    def forward(self, input: Tensor) -> Tensor:
        """`[x, f(x)]`."""
        return torch.cat([input, super().forward(input)], dim=1)
