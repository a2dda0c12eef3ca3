"""Functions of a problem that are recorded once, for problems that differ in the numbers of their arrays only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from xcheck._lazy import LazyModule

pytree: Any = LazyModule("torch.utils._pytree")

#: The fields of a registered dataclass that are constants of a record.
_CONSTANT: dict[type, tuple[str, ...]] = {}


@cache
def register(kind: type, dynamic: Sequence[str], static: Sequence[str]) -> None:
    """Makes a dataclass a pytree whose leaves are its dynamic fields; the rest are constants of the record."""
    _CONSTANT[kind] = tuple(static)

    def flatten(instance: Any) -> tuple[list[Any], tuple[Any, tuple[str, ...]]]:
        names = tuple(name for name in dynamic if getattr(instance, name) is not None)
        return [getattr(instance, name) for name in names], (instance, names)

    def unflatten(fields: Sequence[Any], context: tuple[Any, tuple[str, ...]]) -> Any:
        instance, names = context
        return replace(instance, **dict(zip(names, fields, strict=True)))

    pytree.register_pytree_node(kind, flatten, unflatten)


def recorded(
    function: Callable[..., Any], record: Callable[[Callable[..., Any], Sequence[Any]], Callable[..., Any]]
) -> Callable[..., Any]:
    """`function(problem)`, where `record(operations, leaves)` makes what runs: a function of the problem's arrays.

    The last one is kept, as each holds what it was made from.
    """
    made: dict[tuple[Any, ...], tuple[Callable[..., Any], Any]] = {}

    def run(problem: Any, *prepared: Any) -> Any:
        leaves, spec = pytree.tree_flatten(problem)
        constants = (*(getattr(problem, name) for name in _CONSTANT[type(problem)]), *prepared)
        key = (*map(id, constants), *((leaf.shape, leaf.dtype, leaf.device) for leaf in leaves))

        def operations(*leaves: Any) -> Any:
            return function(pytree.tree_unflatten(leaves, spec), *prepared)

        if key not in made:
            made.clear()
            made[key] = record(operations, leaves), constants  # kept alive, so that no id comes again
        return made[key][0](*leaves)

    return run
