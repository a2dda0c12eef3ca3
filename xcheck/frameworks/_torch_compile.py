"""The compiled variant of PyTorch: the operations of an implementation, derivatives included, through TorchInductor.

Where `torch.compile` alone meets Python that it cannot follow, it leaves the transforms of `torch.func` out of its
graphs and computes them eagerly, without a word. So the operations are recorded first (make_fx), and their graph may
not break.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from typing import Any

from xcheck._errors import Unsupported
from xcheck._lazy import LazyModule, torch

proxy_tensor: Any = LazyModule("torch.fx.experimental.proxy_tensor")


def recording() -> bool:
    """Whether operations are being recorded for a graph."""
    return proxy_tensor.get_proxy_mode() is not None


def compiled(operations: Callable[..., Any], leaves: Sequence[Any]) -> Callable[..., Any]:
    """The compiled graph of a function's operations at these arrays, which are its arguments.

    Raises:
        Unsupported: there is no C++ compiler.
    """
    compiler = os.environ.get("CXX", "g++")
    if shutil.which(compiler) is None:
        raise Unsupported(f"torch.compile needs a C++ compiler, and there is no {compiler} here; CXX names another")
    graph = proxy_tensor.make_fx(operations)(*leaves)
    # Forward mode leaves checks behind whose result, a bool, nobody reads.
    graph.graph.eliminate_dead_code()
    # The zeros of forward mode have no memory, and TorchInductor reads what it takes for it (docs/findings.md).
    for node in graph.graph.find_nodes(op="call_function", target=torch.ops.aten._efficientzerotensor.default):
        node.target = torch.ops.aten.zeros.default
    graph.recompile()
    return torch.compile(graph, fullgraph=True, dynamic=False)
