"""Self-attention with several heads (Vaswani et al. 2017, "Attention is all you need")."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from xcheck._lazy import torch
from xcheck.arrays import Descriptor, Uniform
from xcheck.program._program import Array, Layer
from xcheck.program.layers._modules import module_of

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class SelfAttention(Layer):
    """`y = softmax(Q K^T / sqrt(e)) V W_o^T + b_o` for each head of size e, with `[Q, K, V] = x W_in^T + b_in`.

    x is (n, t, d) and e = d / heads; parameters and their order are those of `torch.nn.MultiheadAttention`.
    """

    d: int
    heads: int

    def shapes(self) -> dict[str, tuple[int, ...]]:
        d = self.d
        return {
            "attention.in_proj_weight": (3 * d, d), "attention.in_proj_bias": (3 * d,),
            "attention.out_proj.weight": (d, d), "attention.out_proj.bias": (d,),
        }  # fmt: skip

    def init(self, seed: int) -> dict[str, Descriptor]:
        bound = self.d**-0.5
        shapes = self.shapes().items()
        return {name: Uniform(shape, 1000 * seed + k, -bound, bound) for k, (name, shape) in enumerate(shapes)}

    def apply(self, xp: Any, params: Mapping[str, Array], x: Array) -> Array:
        n, t, d = x.shape
        joined = _affine(xp, x, params["attention.in_proj_weight"], params["attention.in_proj_bias"])
        heads = xp.reshape(joined, (n, t, 3, self.heads, d // self.heads))
        query, key, value = (xp.permute_dims(heads[:, :, k], (0, 2, 1, 3)) for k in range(3))
        scores = xp.matmul(query, xp.matrix_transpose(key)) / (d // self.heads) ** 0.5
        mixed = xp.permute_dims(xp.matmul(xp.nn.softmax(scores), value), (0, 2, 1, 3))
        flat = xp.reshape(mixed, (n, t, d))
        return _affine(xp, flat, params["attention.out_proj.weight"], params["attention.out_proj.bias"])

    def torch(self) -> nn.Module:
        return module_of(
            # With weights asked for, PyTorch takes the kernels that can be differentiated twice.
            lambda children, x: children.attention(x, x, x, need_weights=True)[0],
            attention=torch.nn.MultiheadAttention(self.d, self.heads, batch_first=True),
        )


def _affine(xp: Any, x: Array, weight: Array, bias: Array) -> Array:
    return xp.matmul(x, xp.permute_dims(weight, (1, 0))) + bias
