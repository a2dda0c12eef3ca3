"""`xp.nn` of PyTorch: its own functions, under the signatures of `xcheck.frameworks`."""

from __future__ import annotations

from typing import Any

from xcheck._lazy import LazyModule, torch

Tensor = Any  # torch.Tensor; a type checker would take this folder's torch.py for PyTorch
F: Any = LazyModule("torch.nn.functional")


def relu(x: Tensor) -> Tensor:
    return F.relu(x)


def leaky_relu(x: Tensor, slope: float = 0.01) -> Tensor:
    return F.leaky_relu(x, slope)


def elu(x: Tensor, alpha: float = 1.0) -> Tensor:
    return F.elu(x, alpha)


def hardtanh(x: Tensor, low: float = -1.0, high: float = 1.0) -> Tensor:
    return F.hardtanh(x, low, high)


def sigmoid(x: Tensor) -> Tensor:
    return torch.sigmoid(x)


def softplus(x: Tensor, threshold: float | None = None) -> Tensor:
    return F.softplus(x) if threshold is None else F.softplus(x, threshold=threshold)


def silu(x: Tensor) -> Tensor:
    return F.silu(x)


def erf(x: Tensor) -> Tensor:
    return torch.erf(x)


def gelu(x: Tensor, approximate: bool = False) -> Tensor:
    return F.gelu(x, approximate="tanh" if approximate else "none")


def rsqrt(x: Tensor) -> Tensor:
    return torch.rsqrt(x)


def logsumexp(y: Tensor) -> Tensor:
    return torch.logsumexp(y, dim=-1)


def softmax(y: Tensor) -> Tensor:
    return torch.softmax(y, dim=-1)


def log_softmax(y: Tensor) -> Tensor:
    return torch.log_softmax(y, dim=-1)


def pick(y: Tensor, index: Tensor) -> Tensor:
    return torch.gather(y, -1, index.unsqueeze(-1)).squeeze(-1)


def take(table: Tensor, index: Tensor) -> Tensor:
    return F.embedding(index, table)


def constant(values: Any, like: Tensor) -> Tensor:
    return torch.as_tensor(values, dtype=like.dtype, device=like.device)


def einsum(formula: str, *arrays: Tensor) -> Tensor:
    return torch.einsum(formula, *arrays)


def layer_norm(x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
    return F.layer_norm(x, (x.shape[-1],), weight, bias, eps)


def rms_norm(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    return F.rms_norm(x, (x.shape[-1],), weight, eps)


def group_norm(x: Tensor, groups: int, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
    return F.group_norm(x, groups, weight, bias, eps)


def instance_norm(x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
    return F.instance_norm(x, weight=weight, bias=bias, eps=eps)


def batch_norm(
    x: Tensor, weight: Tensor, bias: Tensor, eps: float, mean: Tensor | None = None, var: Tensor | None = None
) -> Tensor:
    return F.batch_norm(x, mean, var, weight, bias, training=mean is None, eps=eps)


def conv1d(
    x: Tensor, weight: Tensor, bias: Tensor | None = None, stride: int = 1, padding: int = 0, groups: int = 1
) -> Tensor:
    return F.conv1d(x, weight, bias, stride, padding, groups=groups)


def conv2d(
    x: Tensor, weight: Tensor, bias: Tensor | None = None, stride: int = 1, padding: int = 0, groups: int = 1
) -> Tensor:
    return F.conv2d(x, weight, bias, stride, padding, groups=groups)


def conv_transpose1d(
    x: Tensor, weight: Tensor, bias: Tensor | None = None, stride: int = 1, padding: int = 0
) -> Tensor:
    return F.conv_transpose1d(x, weight, bias, stride, padding)


def conv_transpose2d(
    x: Tensor, weight: Tensor, bias: Tensor | None = None, stride: int = 1, padding: int = 0
) -> Tensor:
    return F.conv_transpose2d(x, weight, bias, stride, padding)


def avg_pool1d(x: Tensor, size: int, stride: int | None = None) -> Tensor:
    return F.avg_pool1d(x, size, stride)


def avg_pool2d(x: Tensor, size: int, stride: int | None = None) -> Tensor:
    return F.avg_pool2d(x, size, stride)


def max_pool1d(x: Tensor, size: int, stride: int | None = None) -> Tensor:
    return F.max_pool1d(x, size, stride)


def max_pool2d(x: Tensor, size: int, stride: int | None = None) -> Tensor:
    return F.max_pool2d(x, size, stride)


def bce_with_logits(x: Tensor, y: Tensor) -> Tensor:
    return F.binary_cross_entropy_with_logits(x, y, reduction="none")


def huber(x: Tensor, y: Tensor, delta: float = 1.0) -> Tensor:
    return F.huber_loss(x, y, reduction="none", delta=delta)
