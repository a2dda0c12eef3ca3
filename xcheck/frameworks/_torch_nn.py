"""`xp.nn` of PyTorch: its own functions, under the signatures of `xcheck.frameworks`."""

from __future__ import annotations

from typing import Any

from xcheck._lazy import torch

Tensor = Any  # torch.Tensor; a type checker would take this folder's torch.py for PyTorch


def relu(x: Tensor) -> Tensor:
    return torch.nn.functional.relu(x)


def sigmoid(x: Tensor) -> Tensor:
    return torch.sigmoid(x)


def softplus(x: Tensor) -> Tensor:
    return torch.nn.functional.softplus(x)


def silu(x: Tensor) -> Tensor:
    return torch.nn.functional.silu(x)


def erf(x: Tensor) -> Tensor:
    return torch.erf(x)


def gelu(x: Tensor, approximate: bool = False) -> Tensor:
    return torch.nn.functional.gelu(x, approximate="tanh" if approximate else "none")


def logsumexp(y: Tensor) -> Tensor:
    return torch.logsumexp(y, dim=-1)


def softmax(y: Tensor) -> Tensor:
    return torch.softmax(y, dim=-1)


def log_softmax(y: Tensor) -> Tensor:
    return torch.log_softmax(y, dim=-1)


def pick(y: Tensor, index: Tensor) -> Tensor:
    return torch.gather(y, -1, index.unsqueeze(-1)).squeeze(-1)


def take(table: Tensor, index: Tensor) -> Tensor:
    return torch.nn.functional.embedding(index, table)


def layer_norm(x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
    return torch.nn.functional.layer_norm(x, (x.shape[-1],), weight, bias, eps)


def conv2d(x: Tensor, weight: Tensor, bias: Tensor, stride: Any = 1, padding: Any = 0) -> Tensor:
    return torch.nn.functional.conv2d(x, weight, bias, stride, padding)


def avg_pool2d(x: Tensor, size: int) -> Tensor:
    return torch.nn.functional.avg_pool2d(x, size)


def max_pool2d(x: Tensor, size: int) -> Tensor:
    return torch.nn.functional.max_pool2d(x, size)
