"""Columns pulled back through a plain chain, features first: `C^T J` itself, or the squares of its entries summed.

Columns are (f, k, n), or (f, k, 1) while they are the same for all examples.
"""

from __future__ import annotations

import torch
from torch import Tensor

from xcheck.layerwise._forms import Form, Unit
from xcheck.layerwise._plain import Affine, Plain, first, sizes


def columns(root: Form, n: int) -> Tensor:
    """The columns of a root at the outputs."""
    left = root.columns().left if isinstance(root, Unit) else root.pair(n)[0]
    return left.permute(2, 0, 1)


def jacobian(chain: Plain, columns: Tensor, n: int) -> Tensor:
    """`C^T J`, (p, k, n), each entry written once: outer products of what is pulled back with what reaches a layer."""
    out = columns.new_empty(sum(sizes(chain)), columns.shape[1], n)
    end, stop = len(out), first(chain)
    for i in range(len(chain) - 1, stop - 1, -1):
        one = chain[i]
        if isinstance(one, Affine):
            if one.bias is not None:
                out[end - len(one.bias) : end].copy_(columns)
                end -= len(one.bias)
            block = out[end - one.weight.numel() : end].view(*one.weight.shape, *out.shape[1:])
            torch.mul(columns.unsqueeze(1), one.a.unsqueeze(1), out=block)
            end -= one.weight.numel()
            if i > stop:
                columns = torch.mm(one.weight.t(), columns.flatten(1)).view(-1, *columns.shape[1:])
        else:
            columns = columns * one.layer.slope.unsqueeze(1)
    return out


def squares(chain: Plain, columns: Tensor, n: int) -> Tensor:
    """`sum_n sum_k (C^T J)^2`, (p,): a linear layer owes `sum_k C^2` times `a^2`, one small matrix product."""
    parts: list[Tensor] = []
    stop, slope = first(chain), None
    for i in range(len(chain) - 1, stop - 1, -1):
        one = chain[i]
        if not isinstance(one, Affine):
            slope = one.layer.slope if slope is None else slope * one.layer.slope
            continue
        if slope is not None:
            columns = columns * slope.unsqueeze(1)
        total = columns.square()
        total = total.squeeze(1) if total.shape[1] == 1 else total.sum(1)
        same = total.shape[1] == 1 < n
        if one.bias is not None:
            parts.append(total.squeeze(1) * n if same else total.sum(1))
        squared = one.a.square()
        parts.append((total * squared.sum(1) if same else torch.mm(total, squared.t())).flatten())
        if i > stop:
            columns = torch.mm(one.weight.t(), columns.flatten(1)).view(-1, *columns.shape[1:])
            slope = None
    return torch.cat(parts[::-1])
