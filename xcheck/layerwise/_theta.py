"""Where each parameter lies in theta: `named_parameters()` order, weight before bias, row-major."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn


class Theta:
    """Slices of theta, the concatenation of *all* parameters of a module (frozen ones too), each counted once.

    A parameter that several layers share has one slice; `uses` counts how often a forward pass meets it.

    >>> theta = Theta(nn.Sequential(nn.Linear(3, 2), nn.Tanh(), nn.Linear(2, 1, bias=False)))
    >>> theta.size, theta.blocks
    (10, {'0': slice(0, 8, None), '2': slice(8, 10, None)})
    """

    __slots__ = ("_slices", "blocks", "size", "uses")

    def __init__(self, module: nn.Module) -> None:
        self._slices: dict[int, slice] = {}
        self.blocks: dict[str, slice] = {}
        self.uses: dict[int, int] = {}
        self.size = 0
        self._walk(module, "")

    def _walk(self, module: nn.Module, name: str) -> None:
        start = self.size
        for parameter in module._parameters.values():
            if parameter is not None and id(parameter) not in self._slices:
                self._slices[id(parameter)] = slice(self.size, self.size + parameter.numel())
                self.size += parameter.numel()
        if self.size > start:
            self.blocks[name] = slice(start, self.size)
        for child_name, child in module._modules.items():
            if child is not None:
                self._walk(child, f"{name}.{child_name}" if name else child_name)

    def place(self, parameters: Iterator[Tensor]) -> tuple[slice, ...]:
        """The slices of a layer's parameters; counts the use."""
        places = tuple(self._slices[id(parameter)] for parameter in parameters)
        for place in places:
            self.uses[place.start] = self.uses.get(place.start, 0) + 1
        return places

    @property
    def slices(self) -> list[slice]:
        """All slices, in order."""
        return list(self._slices.values())

    @property
    def unmet(self) -> bool:
        """Whether a parameter took no part in the forward pass."""
        return len(self.uses) < len(self._slices)

    @property
    def shared(self) -> bool:
        """Whether a forward pass met a parameter more than once."""
        return any(count > 1 for count in self.uses.values())


class Sums:
    """A flat result over theta, `(..., p)`, gathered layer by layer; what several uses of a parameter give is added.

    >>> theta = Theta(nn.Linear(2, 1))
    >>> sums = Sums(theta, torch.zeros(()))
    >>> sums.add((slice(2, 3),), (torch.ones(1),))
    >>> sums.flat()
    tensor([0., 0., 1.])
    """

    def __init__(self, theta: Theta, like: Tensor, columns: tuple[int, ...] = ()) -> None:
        self._theta, self._like, self._columns = theta, like, columns
        self._parts: dict[int, Tensor] = {}

    def add(self, where: tuple[slice, ...], parts: tuple[Tensor, ...]) -> None:
        """Add one tensor a parameter, (*columns, *parameter)."""
        for place, part in zip(where, parts, strict=True):
            known = self._parts.get(place.start)
            self._parts[place.start] = part if known is None else known + part

    def flat(self) -> Tensor:
        """All parameters in a row; those that the forward pass never met are zero."""
        for place in self._theta.slices:
            if place.start not in self._parts:
                self._parts[place.start] = self._like.new_zeros(*self._columns, place.stop - place.start)
        parts = [self._parts[place.start].reshape(*self._columns, -1) for place in self._theta.slices]
        return torch.cat(parts, dim=-1) if parts else self._like.new_zeros(*self._columns, 0)
