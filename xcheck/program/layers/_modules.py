"""A torch.nn.Module from a function of its children, for what torch.nn has no class for."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from xcheck._lazy import torch

if TYPE_CHECKING:
    from torch import nn


def module_of(function: Callable[..., Any], **children: nn.Module) -> nn.Module:
    """A module with `forward(x) = function(children, x)`; its parameters are called "child.parameter".

    >>> [name for name, _ in module_of(lambda m, x: m.inner(x), inner=torch.nn.Linear(2, 3)).named_parameters()]
    ['inner.weight', 'inner.bias']
    """
    return _module_class()(function, children)


@cache
def _module_class() -> type:
    """A class made on call, since its base is torch's."""

    class FunctionOfChildren(torch.nn.Module):
        def __init__(self, function: Callable[..., Any], children: dict[str, nn.Module]) -> None:
            super().__init__()
            self.function = function
            for name, child in children.items():
                self.add_module(name, child)

        def forward(self, x: Any) -> Any:
            return self.function(self, x)

    return FunctionOfChildren
