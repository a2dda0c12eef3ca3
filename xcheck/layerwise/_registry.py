"""Which layer class differentiates which module: `register`, and the look-up that never guesses."""

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from torch import Tensor, nn

from xcheck.layerwise._errors import AutogradLayer, Unsupported
from xcheck.layerwise._theta import Theta

if TYPE_CHECKING:
    from xcheck.layerwise._layer import Layer

_L = TypeVar("_L", bound="type[Layer]")
_LAYERS: dict[type[nn.Module], "type[Layer]"] = {}


def register(*modules: type[nn.Module]) -> Callable[[_L], _L]:
    """Class decorator: this layer differentiates modules of these types; one method, `jacobian`, is enough.

    A type that is registered already is replaced, so that a user may override a built-in layer.

    >>> import torch
    >>> from xcheck import layerwise
    >>> class Square(nn.Module):
    ...     def forward(self, x):
    ...         return x**2
    >>> @layerwise.register(Square)
    ... class SquareLayer(layerwise.Layer):
    ...     def jacobian(self, wrt):
    ...         return torch.diag_embed(2 * self.x) if wrt == "input" else None
    >>> layerwise.vjp(Square(), torch.tensor([[3.0, 4.0]]), torch.ones(1, 2), wrt="input")
    tensor([[6., 8.]])
    """

    for module in modules:
        if not isinstance(module, type) or not issubclass(module, nn.Module):
            raise Unsupported(f"layerwise: cannot register {module!r}, expected classes of torch.nn.Module")

    def add(layer: _L) -> _L:
        for module in modules:
            _LAYERS[module] = layer
        return layer

    return add


def find(module: nn.Module) -> "type[Layer] | None":
    """The layer class of a module, or None: of its own type, or of a base whose `forward` it keeps."""
    if module._forward_hooks or module._forward_pre_hooks:
        return None  # a hook may change the result, and only calling the module runs it
    for base in type(module).__mro__:
        if base in _LAYERS:
            return _LAYERS[base] if type(module).forward is base.forward else None
    return None


def at(module: nn.Module, x: Tensor, theta: Theta) -> "Layer":
    """The layer of `module` at the input `x`: its output is computed, its Jacobians are ready to be applied."""
    if not isinstance(module, nn.Module):
        raise Unsupported(f"layerwise: expected a torch.nn.Module, got {type(module).__name__}")
    layer = find(module)
    if layer is None:
        from xcheck.layerwise.layers.generic import Autograd

        warnings.warn(
            f"layerwise: {type(module).__name__} has no rule of its own and goes through autograd; "
            "layerwise.register one to make it fast",
            AutogradLayer,
            stacklevel=4,
        )
        layer = Autograd
    return layer(module, x, theta)
