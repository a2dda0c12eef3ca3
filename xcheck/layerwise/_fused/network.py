"""A narrow chain as the kernels see it, and what they compute of it: forward, the loss in PyTorch, and a pass back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from xcheck.layerwise._call import chunks
from xcheck.layerwise._fused.build import Kernels
from xcheck.layerwise._fused.stages import Stages, address, ready
from xcheck.layerwise.losses import Output, at_output, scale

STRIP = 256  # bytes of a row: `WIDE` vectors
TAPE = 1 << 22  # bytes of tape that stay in a cache; more examples go in chunks


@dataclass
class Pass:
    """The outputs of some examples and their tangents, (n, c), the loss there, and the tape for the way back."""

    f: Tensor
    df: Tensor | None
    output: Output
    tape: Tensor


class Network:
    """A narrow chain on its way through the kernels."""

    def __init__(self, kernels: Kernels, stages: Stages, dtype: torch.dtype) -> None:
        self._kernels, self._stages, self._dtype, self.size = kernels, stages, dtype, stages.size
        self._layers, self._count = stages.layers, len(stages.layers)
        self._strip = STRIP // dtype.itemsize
        self._tape = kernels["tape"](self._layers, self._count, 1)  # bytes for a strip

    def product(
        self, x: Tensor, y: Tensor, v: Tensor, loss: nn.Module, factor: float | Tensor, *, curved: bool
    ) -> Tensor:
        """`H v` (curved) or `G v`, (p,), of `factor sum_n e_n`."""
        v = ready(v, self._dtype)
        result = torch.zeros_like(v)
        for one in self._passes(x, y, loss, curved, v):
            assert one.df is not None
            dg, g = ready(one.output.product(one.df), self._dtype), self._gradient(one) if curved else None
            self._call(
                "product", one.f, v.data_ptr(), address(g), dg.data_ptr(), one.tape.data_ptr(), result.data_ptr()
            )
        return result.mul_(factor)

    def diagonal(self, x: Tensor, y: Tensor, loss: nn.Module, *, curved: bool) -> Tensor:
        """The diagonal of `H` (curved) or `G`, (p,)."""
        factor, result = scale(loss, y)[0], x.new_zeros(self.size)
        for one in self._passes(x, y, loss, curved):
            root, g = self._root(one), self._gradient(one) if curved else None
            self._call("squares", one.f, root.data_ptr(), len(root), address(g), one.tape.data_ptr(), result.data_ptr())
        return result.mul_(factor)

    def ggn(self, x: Tensor, y: Tensor, loss: nn.Module) -> Tensor:
        """`G`, (p, p)."""
        factor, result = scale(loss, y)[0], x.new_zeros(self.size, self.size)
        for one in self._passes(x, y, loss, False):
            root = self._root(one)
            self._call("gram", one.f, root.data_ptr(), len(root), one.tape.data_ptr(), result.data_ptr())
        return result.mul_(factor)

    def forward(self, x: Tensor, curved: bool, v: Tensor | None = None) -> tuple[Tensor, Tensor | None, Tensor]:
        """`f(x)`, `J v`, and the tape, which holds what `H` needs if `curved`."""
        x, n = x.contiguous(), x.shape[0]
        f = x.new_empty((n, self._stages.outputs))
        df = None if v is None else torch.empty_like(f)
        tape = torch.empty(-(-n // self._strip) * self._tape, dtype=torch.uint8)
        self._call("forward", f, x.data_ptr(), address(v), curved, f.data_ptr(), address(df), tape.data_ptr())
        return f, df, tape

    def _passes(self, x: Tensor, y: Tensor, loss: nn.Module, curved: bool, v: Tensor | None = None) -> Iterator[Pass]:
        most = max(1, TAPE // self._tape) * self._strip
        for part, target in chunks(None if x.shape[0] <= most else most, x, y):
            f, df, tape = self.forward(part, curved, v)
            yield Pass(f, df, at_output(loss, f, target), tape)

    def _gradient(self, one: Pass) -> Tensor:
        return ready(one.output.gradient(), self._dtype)

    def _root(self, one: Pass) -> Tensor:
        return ready(one.output.root().pair(len(one.f))[0], self._dtype)

    def _call(self, name: str, examples: Tensor, *arguments: int | None) -> None:
        self._kernels[name](self._layers, self._count, examples.shape[0], *arguments)
