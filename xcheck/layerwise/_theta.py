"""Where each parameter lies in theta: `named_parameters()` order, weight before bias, row-major."""

from collections.abc import Iterator

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
    def shared(self) -> bool:
        """Whether a forward pass met a parameter more than once."""
        return any(count > 1 for count in self.uses.values())


class Sums:
    """A flat result over theta, `(..., p)`, filled layer by layer: a first value is written, further ones are added.

    Parameters that the forward pass never met stay zero.
    """

    def __init__(self, theta: Theta, out: Tensor) -> None:
        self.out = out
        self._written: set[int] = set()
        self._unused = [place for place in theta.slices if place.start not in theta.uses]
        for place in self._unused:
            out[..., place].zero_()

    def add(self, where: tuple[slice, ...], parts: tuple[Tensor, ...]) -> None:
        """Add one tensor a parameter, the parameter's axes last."""
        for place, part in zip(where, parts, strict=True):
            block = self.out[..., place]
            flat = part.reshape(block.shape)
            if place.start in self._written:
                block.add_(flat)
            else:
                block.copy_(flat)
                self._written.add(place.start)

    def fresh(self, where: tuple[slice, ...]) -> bool:
        """Whether none of these parameters has a value yet; claims them."""
        new = not any(place.start in self._written for place in where)
        self._written.update(place.start for place in where)
        return new
