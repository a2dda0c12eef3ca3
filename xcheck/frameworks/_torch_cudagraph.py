"""The CUDA-graph variant of PyTorch: what an eager call launches on the GPU, recorded once and replayed as a whole.

Small networks keep a GPU waiting for the next launch; a graph is one launch. It reads and writes the memory that it was
recorded with, so arrays are copied in and results out, which is part of its time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from xcheck._errors import Unsupported
from xcheck._lazy import torch
from xcheck.frameworks._torch_record import pytree

#: Eager calls before the recording: in them libraries choose their algorithms and take their work space.
WARM = 3


def captured(operations: Callable[..., Any], leaves: Sequence[Any]) -> Callable[..., Any]:
    """The CUDA graph of an eager call at these arrays.

    Raises:
        Unsupported: the arrays are not on a CUDA device, or the call does what a graph cannot hold: it reads a number
            back, or allocates outside of PyTorch.
    """
    elsewhere = {str(leaf.device) for leaf in leaves if not leaf.is_cuda}
    if elsewhere:
        raise Unsupported(f"a CUDA graph needs its arrays on a CUDA device, and these are on {', '.join(elsewhere)}")
    still = [leaf.clone() for leaf in leaves]
    beside = torch.cuda.Stream()
    beside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(beside):  # CUDA records no work of the default stream
        for _ in range(WARM):
            operations(*still)
    torch.cuda.current_stream().wait_stream(beside)
    graph = torch.cuda.CUDAGraph()
    try:
        with torch.cuda.graph(graph):
            found = operations(*still)
    except RuntimeError as error:
        raise Unsupported(f"CUDA cannot record this call: {str(error).splitlines()[0]}") from None

    def replay(*leaves: Any) -> Any:
        for place, leaf in zip(still, leaves, strict=True):
            place.copy_(leaf)
        graph.replay()
        return pytree.tree_map_only(torch.Tensor, torch.Tensor.clone, found)

    return replay
