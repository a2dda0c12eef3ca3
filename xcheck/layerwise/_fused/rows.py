"""The Jacobian of a plain chain of any width, each row written once, past the caches: they would read it first."""

from __future__ import annotations

import torch
from torch import Tensor

from xcheck.layerwise._call import chunks
from xcheck.layerwise._fused.build import Kernels, Outer
from xcheck.layerwise._plain import Affine, Bend, Plain, first


def streamed(kernels: Kernels, chain: Plain, x: Tensor, out: Tensor, chunk_size: int | None) -> Tensor:
    """`J`, (n, c, p), into `out`, which is contiguous."""
    done = 0
    for (part,) in chunks(chunk_size, x):
        _write(kernels, chain, part, out[done : done + len(part)])
        done += len(part)
    return out


def fresh(kernels: Kernels, x: Tensor, shape: tuple[int, int, int]) -> Tensor:
    """Memory for a result, there before it is written to: where it is large, faults would take most of the time."""
    out = x.new_empty(shape)
    kernels["pages"](out.data_ptr(), out.nbytes)
    return out


def _write(kernels: Kernels, chain: Plain, x: Tensor, out: Tensor) -> None:
    """The unit columns at the outputs are pulled back; the kernel multiplies them with what reaches each layer."""
    f = _forward(chain, x)
    n, c = f.shape
    columns = torch.eye(c, dtype=f.dtype).repeat(n, 1)
    layers, alive = [], []
    for one in reversed(chain[first(chain) :]):
        if isinstance(one, Bend):
            columns = (columns.view(n, c, -1) * one.layer.slope.unsqueeze(1)).view(n * c, -1)
            continue
        outputs, inputs = one.weight.shape
        layers.append(Outer(columns.data_ptr(), one.a.data_ptr(), inputs, outputs, one.bias is not None))
        alive.append(columns)
        if one is not chain[first(chain)]:
            columns = torch.mm(columns, one.weight)
    kernels["jacobian"]((Outer * len(layers))(*reversed(layers)), len(layers), n, c, out.data_ptr())


def _forward(chain: Plain, x: Tensor) -> Tensor:
    """The outputs (n, c), each layer keeping its input as it lies in memory."""
    a = x.contiguous()
    for one in chain:
        if isinstance(one, Affine):
            one.a = a
            a = torch.nn.functional.linear(a, one.weight, one.bias)
        else:
            a = one.at(a).contiguous()
    return a
