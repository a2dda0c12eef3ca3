"""`fused`: who asks for the kernels."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from torch import Tensor

from xcheck.layerwise._fused.build import Kernels, kernels
from xcheck.layerwise._fused.network import DTYPES, Network, network
from xcheck.layerwise._plain import Plain

_WANTED = ContextVar("wanted", default=False)


@contextmanager
def fused() -> Iterator[str | None]:
    """Within this context some work is done by kernels that the system's C++ compiler makes (once; it takes seconds).

    Gives None, or why there are no kernels; then, and for all that is not theirs, everything goes on without them.
    Theirs are `hvp`, `ggnvp`, `ggn_diagonal`, `hessian_diagonal` and, of at most two outputs, `ggn` of chains of linear
    layers of at most 32 features with Tanh, Sigmoid, ReLU or SiLU behind them; and `jacobian` of chains of linear and
    elementwise layers of any width: in float32 or float64, on the CPU, by one thread.

    >>> import torch
    >>> from torch import nn
    >>> from xcheck import layerwise
    >>> model, x, y = nn.Linear(1, 1, bias=False), torch.full((1, 1), 3.0), torch.zeros(1, 1)
    >>> with layerwise.fused() as missing:
    ...     layerwise.hvp(model, x, y, torch.ones(1), loss=nn.MSELoss())
    tensor([18.])
    """
    found = kernels()
    token = _WANTED.set(True)
    try:
        yield found if isinstance(found, str) else None
    finally:
        _WANTED.reset(token)


def wanted(x: Tensor) -> Kernels | None:
    """The kernels for `x`, where they are asked for, there, and made for its dtype and device."""
    if not _WANTED.get() or x.dtype not in DTYPES or not x.is_cpu:
        return None
    found = kernels()
    return None if isinstance(found, str) else found[DTYPES[x.dtype]]


def fusible(chain: Plain | None, x: Tensor) -> Network | None:
    """The chain for the kernels, where they are wanted and made for it."""
    found = None if chain is None else wanted(x)
    return None if chain is None or found is None else network(found, chain, x)
