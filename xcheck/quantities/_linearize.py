"""`torch.func.linearize` without its warning about itself."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from xcheck._lazy import torch


def linearize(f: Callable[..., Any], *primals: Any) -> Callable[..., Any]:
    """`v -> J v` of f at the primals; torch.fx, which folds its constants, warns about its own graph."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Attempted to insert a get_attr Node", UserWarning)
        return torch.func.linearize(f, *primals)[1]
