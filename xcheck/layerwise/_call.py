"""What every public function does first: check the tensors, switch autograd off unless asked, run the module."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import ParamSpec, TypeVar

import torch
from torch import Tensor, nn

from xcheck.layerwise._arguments import demands
from xcheck.layerwise._errors import BadShape
from xcheck.layerwise._layer import Layer
from xcheck.layerwise._registry import at
from xcheck.layerwise._theta import Theta

P = ParamSpec("P")
R = TypeVar("R")
_RECORDED = ContextVar("recorded", default=False)


@contextmanager
def differentiable() -> Iterator[None]:
    """Within this context the results carry a graph, so that autograd can differentiate them further.

    >>> from xcheck import layerwise
    >>> model, x = nn.Linear(1, 1, bias=False), torch.full((1, 1), 3.0)
    >>> with differentiable():
    ...     curvature = layerwise.ggn(nn.Sequential(model, nn.Tanh()), x, x, loss=nn.MSELoss())
    >>> curvature.requires_grad, layerwise.ggn(model, x, x, loss=nn.MSELoss()).requires_grad
    (True, False)
    """
    token = _RECORDED.set(True)
    try:
        yield
    finally:
        _RECORDED.reset(token)


def exact(function: Callable[P, R]) -> Callable[P, R]:
    """Decorator: arguments are checked, and no graph is recorded unless the caller asked for it."""
    demand = demands(function)

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        demand(args, kwargs)
        with torch.set_grad_enabled(_RECORDED.get()):
            return function(*args, **kwargs)

    return call


def run(module: nn.Module, x: Tensor) -> tuple[Layer, Theta]:
    """The module at `x`, layer by layer, and where its parameters lie."""
    if x.ndim < 2 and x.is_floating_point():
        raise BadShape(
            f"layerwise: inputs have shape {tuple(x.shape)}, expected (n, *features): the batch axis comes first"
        )
    theta = Theta(module)
    layer = at(module, x, theta)
    if layer.y.shape[0] != x.shape[0]:
        raise BadShape(
            f"layerwise: {x.shape[0]} examples went in and {layer.y.shape[0]} came out of {type(module).__name__}"
        )
    return layer, theta


def chunks(chunk_size: int | None, *tensors: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """Pieces of at most `chunk_size` examples; all at once where it is None."""
    if chunk_size is None:
        return iter([tensors])
    return zip(*(tensor.split(chunk_size) for tensor in tensors), strict=True)


def tangents(v: Tensor, size: int) -> tuple[Tensor, bool]:
    """`v` of theta, (p,) or (p, k), as columns (k, p); the flag says that there was but one."""
    if v.ndim != 2 or v.shape[0] != size:
        return tangent(v, size)[None], True
    return v.t(), False


def tangent(v: Tensor, size: int) -> Tensor:
    """`v` of theta, (p,)."""
    if v.ndim != 1 or v.shape[0] != size:
        raise BadShape(f"layerwise: v has shape {tuple(v.shape)}, expected ({size},) or ({size}, k), as theta")
    return v
