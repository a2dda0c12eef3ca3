"""The compiled variant of PyTorch: the operations of an implementation, derivatives included, through TorchInductor.

Where `torch.compile` alone meets Python that it cannot follow, it leaves the transforms of `torch.func` out of its
graphs and computes them eagerly, without a word. So the operations are recorded first (make_fx), and their graph may
not break.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from xcheck._errors import Unsupported
from xcheck._lazy import LazyModule, torch

pytree: Any = LazyModule("torch.utils._pytree")
proxy_tensor: Any = LazyModule("torch.fx.experimental.proxy_tensor")


#: The fields of a registered dataclass that are constants of a graph.
_CONSTANT: dict[type, tuple[str, ...]] = {}


@cache
def register(kind: type, dynamic: Sequence[str], static: Sequence[str]) -> None:
    """Makes a dataclass a pytree whose leaves are its dynamic fields; the rest are constants of the graph."""
    _CONSTANT[kind] = tuple(static)

    def flatten(instance: Any) -> tuple[list[Any], tuple[Any, tuple[str, ...]]]:
        names = tuple(name for name in dynamic if getattr(instance, name) is not None)
        return [getattr(instance, name) for name in names], (instance, names)

    def unflatten(fields: Sequence[Any], context: tuple[Any, tuple[str, ...]]) -> Any:
        instance, names = context
        return replace(instance, **dict(zip(names, fields, strict=True)))

    pytree.register_pytree_node(kind, flatten, unflatten)


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function(problem)`, recorded and compiled once for problems that differ in the numbers of their arrays only.

    The last graph is kept, as each holds what it was recorded from.

    Raises:
        Unsupported: there is no C++ compiler.
    """
    made: dict[tuple[Any, ...], tuple[Callable[..., Any], Any]] = {}

    def run(problem: Any, *prepared: Any) -> Any:
        leaves, spec = pytree.tree_flatten(problem)
        constants = (*(getattr(problem, name) for name in _CONSTANT[type(problem)]), *prepared)
        key = (*map(id, constants), *((leaf.shape, leaf.dtype, leaf.device) for leaf in leaves))
        if key not in made:
            made.clear()
            made[key] = _record(function, leaves, spec, prepared), constants  # kept alive, so that no id comes again
        return made[key][0](*leaves)

    return run


def recording() -> bool:
    """Whether operations are being recorded for a graph."""
    return proxy_tensor.get_proxy_mode() is not None


def _record(function: Callable[..., Any], leaves: Sequence[Any], spec: Any, prepared: Sequence[Any]) -> Any:
    """The compiled graph of a function's operations at these arrays, which are its arguments."""
    compiler = os.environ.get("CXX", "g++")
    if shutil.which(compiler) is None:
        raise Unsupported(f"torch.compile needs a C++ compiler, and there is no {compiler} here; CXX names another")

    def operations(*leaves: Any) -> Any:
        return function(pytree.tree_unflatten(leaves, spec), *prepared)

    graph = proxy_tensor.make_fx(operations)(*leaves)
    # Forward mode leaves checks behind whose result, a bool, nobody reads.
    graph.graph.eliminate_dead_code()
    # The zeros of forward mode have no memory, and TorchInductor reads what it takes for it (docs/findings.md).
    for node in graph.graph.find_nodes(op="call_function", target=torch.ops.aten._efficientzerotensor.default):
        node.target = torch.ops.aten.zeros.default
    graph.recompile()
    return torch.compile(graph, fullgraph=True, dynamic=False)
