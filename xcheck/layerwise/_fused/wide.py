"""Products on chains that are too wide for a strip: forward, the loss in PyTorch, and a pass back, as on narrow ones.

PyTorch's own matrix products are no slower, but what it does between them takes up to a third of the time.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from xcheck.layerwise._fused.build import Kernels
from xcheck.layerwise._fused.stages import Stages, address, ready
from xcheck.layerwise.losses import at_output


class Wide:
    """A chain of any width on its way through the kernels."""

    def __init__(self, kernels: Kernels, stages: Stages) -> None:
        self._kernels, self._stages, self.size = kernels, stages, stages.size

    def product(
        self, x: Tensor, y: Tensor, v: Tensor, loss: nn.Module, factor: float | Tensor, *, curved: bool
    ) -> Tensor:
        """`H v` (curved) or `G v`, (p,), of `factor sum_n e_n`."""
        kernels, layers, n, dtype = self._kernels, self._stages.layers, x.shape[0], x.dtype
        network, x, v = (layers, len(layers), n, curved), x.contiguous(), ready(v, dtype)
        f, df = x.new_empty(2, n, self._stages.outputs).unbind()  # for the kernel one matrix
        tape = torch.empty(kernels["wide_tape"](*network), dtype=torch.uint8)
        kernels["wide_forward"](*network, x.data_ptr(), v.data_ptr(), f.data_ptr(), tape.data_ptr())
        output, result = at_output(loss, f, y), torch.empty_like(v)
        dg, g = ready(output.product(df), dtype), ready(output.gradient(), dtype) if curved else None
        kernels["wide_product"](
            *network, x.data_ptr(), v.data_ptr(), address(g), dg.data_ptr(), float(factor), tape.data_ptr(),
            result.data_ptr(),
        )  # fmt: skip
        return result
