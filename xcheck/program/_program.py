"""Program and Layer: the two shapes that a model may have."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import TYPE_CHECKING, Any, Protocol

from xcheck._errors import CaseError
from xcheck.arrays import Descriptor, Normal, Uniform

if TYPE_CHECKING:
    from torch import nn

Array = Any  # whatever the namespace's arrays are


class Program(Protocol):
    """`program(xp, params, inputs)`: pure, and the same text in every arithmetic."""

    def __call__(self, xp: Any, params: Mapping[str, Array], inputs: Mapping[str, Array], /) -> Any: ...


def split_aux(output: Any) -> tuple[dict[str, Array], dict[str, Array]]:
    """A program's output as two dicts: the outputs and the aux; a single output is called "output".

    Raises:
        CaseError: it is neither an array, nor a dict of names to arrays, nor a pair `(outputs, aux)` of those.

    >>> import numpy as np
    >>> split_aux(np.float64(3))
    ({'output': np.float64(3.0)}, {})
    >>> split_aux(({"a": np.float64(1)}, {"b": np.float64(2)}))
    ({'a': np.float64(1.0)}, {'b': np.float64(2.0)})
    """
    if isinstance(output, tuple) and len(output) != 2:
        raise _structure(f"a tuple of {len(output)}")
    outputs, aux = output if isinstance(output, tuple) else (output, {})
    return _named(outputs, "output"), _named(aux, "aux")


def _named(part: Any, what: str) -> dict[str, Array]:
    found = dict(part) if isinstance(part, Mapping) else {what: part}
    if not found and what == "output":
        raise _structure("an empty dict")
    for name, array in found.items():
        if not isinstance(name, str) or not name:
            raise _structure(f"a dict with the key {name!r}")
        if not hasattr(array, "shape"):
            raise _structure(f"{what if name == what else f'{what} {name!r}'} of type {type(array).__name__}")
    return found


def _structure(what: str) -> CaseError:
    return CaseError(
        f"a program returned {what}; expected an array, a dict of names to arrays, or a pair (outputs, aux) of those"
    )


class Layer:
    """A program of one input that becomes a `torch.nn.Module`; subclasses are frozen dataclasses.

    A layer states `shapes()` (its parameters, in PyTorch's order), `apply(xp, params, x)` and `torch()`.
    """

    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {}

    def apply(self, xp: Any, params: Mapping[str, Array], x: Array) -> Array:
        raise TypeError(f"layer {type(self).__name__} states no apply(xp, params, x)")

    def torch(self) -> nn.Module:
        raise TypeError(f"layer {type(self).__name__} states no torch()")

    def buffers(self) -> dict[str, Descriptor]:
        """What belongs to the module's state and is no parameter, such as BatchNorm's running statistics."""
        return {}

    def fan_in(self) -> int:
        shapes = list(self.shapes().values())
        return prod(shapes[0][1:]) if shapes else 1

    def init(self, seed: int) -> dict[str, Descriptor]:
        """Parameters uniform in +-1/sqrt(fan_in), each with a seed of its own."""
        bound = self.fan_in() ** -0.5
        return {
            name: Uniform(shape, 1000 * seed + k, -bound, bound)
            for k, (name, shape) in enumerate(self.shapes().items())
        }

    def __call__(self, xp: Any, params: Mapping[str, Array], inputs: Mapping[str, Array], /) -> Array:
        (x,) = inputs.values()
        return self.apply(xp, params, x)


def around(
    shapes: Mapping[str, tuple[int, ...]], centres: Mapping[str, float], seed: int, scale: float
) -> dict[str, Descriptor]:
    """Parameters scattered around a centre of their own, as normalisation layers want them."""
    return {
        name: Normal(shape, 1000 * seed + k, centres[name], scale) for k, (name, shape) in enumerate(shapes.items())
    }
