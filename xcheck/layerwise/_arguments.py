"""What every public function demands of its arguments, read off its annotations, before anything is computed."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Mapping
from typing import Any, Literal, get_args, get_origin, get_type_hints

from torch import Tensor, nn

from xcheck.layerwise._errors import BadShape, Unsupported


def demands(function: Callable[..., Any]) -> Callable[[tuple[Any, ...], Mapping[str, Any]], None]:
    """A check of the arguments of a call: modules, tensors, sizes of chunks, and words of a fixed choice.

    >>> def f(x, *, wrt: Literal["input", "weight"] = "weight"): ...
    >>> demands(f)((), {"wrt": "inp"})
    Traceback (most recent call last):
    ...
    xcheck.layerwise._errors.Unsupported: layerwise: wrt is 'inp', expected 'input' or 'weight'; did you mean 'input'?
    """
    hints = {name: hint for name, hint in get_type_hints(function).items() if name != "return"}
    checks = {name: check for name, hint in hints.items() if (check := _check(hint)) is not None}
    positions = list(inspect.signature(function).parameters)

    def demand(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        for name, value in (*zip(positions, args, strict=False), *kwargs.items()):
            if name in checks:
                checks[name](name, value)

    return demand


def _check(hint: Any) -> Callable[[str, Any], None] | None:
    """How an argument of this annotation is checked; None where Python's own error is clear."""
    if get_origin(hint) is Literal:
        choices = get_args(hint)
        return lambda name, value: _word(name, value, choices)
    if hint is nn.Module:
        return _module
    if hint == int | None:
        return _size
    kinds = get_args(hint) or (hint,)
    if any(getattr(kind, "array_type", None) is Tensor for kind in kinds):
        return lambda name, value: None if value is None and type(None) in kinds else _tensor(name, value)
    sizes = [len(get_args(kind)) for kind in kinds if get_origin(kind) is tuple]
    if sizes:
        return lambda name, value: None if value is None else _tensors(name, value, sizes[0])
    return None


def _word(name: str, value: Any, choices: tuple[str, ...]) -> None:
    if not (isinstance(value, str) and value in choices):
        near = difflib.get_close_matches(value, choices, n=1) if isinstance(value, str) else []
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise Unsupported(f"layerwise: {name} is {value!r}, expected {' or '.join(map(repr, choices))}{hint}")


def _module(name: str, value: Any) -> None:
    if not isinstance(value, nn.Module):
        raise Unsupported(f"layerwise: {name} is a {type(value).__name__}, expected a torch.nn.Module")


def _size(name: str, value: Any) -> None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        raise BadShape(f"layerwise: {name} is {value!r}, expected a whole number from 1, or None for all at once")


def _tensor(name: str, value: Any) -> None:
    if not isinstance(value, Tensor):
        raise BadShape(f"layerwise: {name} is a {type(value).__name__}, expected a torch.Tensor")


def _tensors(name: str, value: Any, size: int) -> None:
    if not isinstance(value, (tuple, list)) or len(value) != size:
        raise BadShape(f"layerwise: {name} is a {type(value).__name__}, expected {size} tensors, or None")
    for one in value:
        _tensor(f"an entry of {name}", one)
