"""`fused`: who asks for the kernels."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch
from torch import Tensor, nn

from xcheck.layerwise._fused.build import Kernels, kernels
from xcheck.layerwise._fused.network import Network
from xcheck.layerwise._fused.stages import stages
from xcheck.layerwise._fused.wide import Wide
from xcheck.layerwise._plain import Plain, narrow
from xcheck.layerwise.layers.linear import NARROW

DTYPES = {torch.float32: "float32", torch.float64: "float64"}
_WANTED = ContextVar("wanted", default=False)


@contextmanager
def fused() -> Iterator[str | None]:
    """Within this context some work is done by kernels that the system's C++ compiler makes (once; it takes seconds).

    Gives None, or why there are no kernels; then, and for all that is not theirs, everything goes on without them.
    Theirs are chains of linear layers with Tanh, Sigmoid, ReLU or SiLU behind them, in float32 or float64 on the CPU:
    `hvp` and `ggnvp`, and, where no layer has more than 32 features, `ggn_diagonal`, `hessian_diagonal` and, of at most
    two outputs, `ggn`; and `jacobian`, with any elementwise layer. The kernels run in one thread.

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


def fusible(module: nn.Module, x: Tensor) -> Network | None:
    """A narrow network for the kernels, where they are wanted and made for it."""
    chain = None if wanted(x) is None else narrow(module, x)
    return None if chain is None else fusible_chain(chain, x)


def fusible_chain(chain: Plain, x: Tensor) -> Network | None:
    """The same of a chain that is known to be narrow."""
    found = wanted(x)
    taken = None if found is None else stages(chain, x)
    return None if found is None or taken is None else Network(found, taken, x.dtype)


def fusible_product(chain: Plain, x: Tensor) -> Network | Wide | None:
    """A chain of any width, for products with a vector; a wide one in one thread only, as PyTorch may have more."""
    found = wanted(x)
    taken = None if found is None else stages(chain, x)
    if found is None or taken is None:
        return None
    if taken.widest <= NARROW:
        return Network(found, taken, x.dtype)
    return Wide(found, taken) if torch.get_num_threads() == 1 else None
