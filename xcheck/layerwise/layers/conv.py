"""Convolutions, transposed too, in one to three dimensions: any stride, padding and mode, dilation, groups."""

from __future__ import annotations

from math import prod

import torch
from torch import Tensor, nn
from torch.func import vmap
from torch.nn import functional

from xcheck.layerwise._forms import Diagonal, Form
from xcheck.layerwise._layer import Weights
from xcheck.layerwise._once import once
from xcheck.layerwise._registry import register
from xcheck.layerwise.layers.linear_map import Flat, columnwise


@register(nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
class Conv(Flat):
    """`y = W * pad(x) + b`, bilinear in x and W."""

    constant = True
    module: nn.Conv2d | nn.ConvTranspose2d

    def forward(self, x: Tensor) -> Tensor:
        """`W * pad(x) + b`."""
        conv, self.dims = self.module, x.ndim - 2
        self.transposed = conv.transposed
        self.output_padding = [0] * self.dims
        if isinstance(conv, nn.ConvTranspose1d | nn.ConvTranspose2d | nn.ConvTranspose3d):
            self.output_padding = list(conv.output_padding)
        explicit = conv.padding_mode != "zeros" or isinstance(conv.padding, str)
        self.around = conv._reversed_padding_repeated_twice if explicit else None
        self.padding = [0] * self.dims if explicit else [int(p) for p in conv.padding]
        self.padded = self.pad(x)
        y = self.apply(self.padded, conv.weight)
        return y if conv.bias is None else y + self._spread(conv.bias)

    def _spread(self, bias: Tensor) -> Tensor:
        return bias.view(*bias.shape, *[1] * self.dims)

    def pad(self, x: Tensor) -> Tensor:
        """Zeros, or the mode's entries of x itself, around x; nothing where the convolution pads by itself."""
        if self.around is None:
            return x
        mode = self.module.padding_mode
        return functional.pad(x, self.around, mode="constant" if mode == "zeros" else mode)

    @once
    def _source(self) -> Tensor:
        """Where every padded entry comes from; -1 for a zero."""
        shape = self.x.shape[2:]
        places = torch.arange(prod(shape), dtype=torch.float64, device=self.x.device).view(1, 1, *shape)
        return (self.pad(places + 1) - 1).long().flatten()

    def unpad(self, g: Tensor) -> Tensor:
        """The transpose of `pad`: cotangents of copies go to where the copies were taken."""
        if self.around is None:
            return g
        source = self._source
        kept = source >= 0
        flat = g.flatten(2)[..., kept]
        back = g.new_zeros(*g.shape[:2], prod(self.x.shape[2:])).index_add(2, source[kept], flat)
        return back.unflatten(2, self.x.shape[2:])

    def apply(self, x: Tensor, weight: Tensor) -> Tensor:
        """`W * x` for a padded batch."""
        conv = self.module
        return torch.ops.aten.convolution(
            x, weight, None, conv.stride, self.padding, conv.dilation, self.transposed, self.output_padding, conv.groups
        )

    def _backward(self, g: Tensor, x: Tensor, weight: Tensor, to_input: bool) -> Tensor:
        conv = self.module
        grads = torch.ops.aten.convolution_backward(
            g.contiguous(), x, weight, None, conv.stride, self.padding, conv.dilation, self.transposed,
            self.output_padding, conv.groups, [to_input, not to_input, False],
        )  # fmt: skip
        return grads[0 if to_input else 1]

    def transpose(self, g: Tensor, weight: Tensor) -> Tensor:
        """`W^T * g` for a batch, back on the unpadded input."""
        like = self.padded[:1].expand(len(g), *self.padded.shape[1:])
        return self.unpad(self._backward(g, like, weight, to_input=True))

    def jvp(self, v: Tensor) -> Tensor:
        """`W * v`."""
        return columnwise(lambda batch: self.apply(self.pad(batch), self.module.weight), v)

    def vjp(self, g: Tensor) -> Tensor:
        """`W^T * g`."""
        return columnwise(lambda batch: self.transpose(batch, self.module.weight), g)

    def jvp_weight(self, w: Weights) -> Tensor:
        """`V * x + v_b`."""
        if w[0].ndim == self.module.weight.ndim + 1:
            out = torch.stack([self.apply(self.padded, v) for v in w[0]])
            return out if len(w) == 1 else out + self._spread(w[1]).unsqueeze(1)
        each = vmap(vmap(lambda x, v: self.apply(x[None], v)[0]), in_dims=(None, 0))(self.padded, w[0])
        return each if len(w) == 1 else each + self._spread(w[1])

    def vjp_weight(self, g: Tensor) -> Weights:
        """`sum_n g_n * x_n`, and g summed over examples and positions."""
        return self._with_bias(
            torch.stack([self._backward(column, self.padded, self.module.weight, False) for column in g]), g
        )

    def _with_bias(self, weight: Tensor, g: Tensor) -> Weights:
        return (weight,) if self.module.bias is None else (weight, g.flatten(3).sum(3).sum(1))

    def _patches(self, x: Tensor) -> Tensor:
        """Windows of (m, channels, *positions): (m, groups, channels of a group * kernel, positions)."""
        conv = self.module
        for axis in range(self.dims):
            reach = (conv.kernel_size[axis] - 1) * conv.dilation[axis] + 1
            x = x.unfold(2 + axis, reach, conv.stride[axis])[..., :: conv.dilation[axis]]
        kernels = x.movedim(tuple(range(-self.dims, 0)), tuple(range(2, 2 + self.dims)))
        return kernels.flatten(2 + self.dims).flatten(1, -2).unflatten(1, (conv.groups, -1))

    @property
    def _zeros(self) -> list[int]:
        return [p for pad in reversed(self.padding) for p in (pad, pad)]

    def windows(self) -> Tensor:
        """What of x each output reads: (n, groups, channels of a group * kernel, positions)."""
        return self._patches(functional.pad(self.padded, self._zeros))

    def vjp_weight_each(self, g: Tensor) -> Weights:
        """`g_n * x_n` of every example: products of cotangents with windows."""
        conv, k = self.module, len(g)
        if self.transposed:
            # A transposed convolution lays windows of the output; rows that no window reaches are cut off.
            windows = self._patches(self._reached(functional.pad(g.flatten(0, 1), self._zeros))).unflatten(
                0, g.shape[:2]
            )
            other = self.padded.flatten(2).unflatten(1, (conv.groups, -1))
            weight = other[None] @ windows.transpose(-1, -2)
        else:
            other = g.flatten(3).unflatten(2, (conv.groups, -1))
            weight = other @ self.windows()[None].transpose(-1, -2)
        weight = weight.reshape(k, len(self.x), *conv.weight.shape)
        return (weight,) if conv.bias is None else (weight, g.flatten(3).sum(3))

    def _reached(self, g: Tensor) -> Tensor:
        conv = self.module
        for axis in range(self.dims):
            reach = (conv.kernel_size[axis] - 1) * conv.dilation[axis] + 1
            length = (self.x.shape[2 + axis] - 1) * conv.stride[axis] + reach
            g = g.narrow(2 + axis, 0, length)
        return g

    def second(self, g: Tensor, v: Tensor | None, w: Weights | None) -> tuple[Tensor | None, Weights | None]:
        """`(V^T * g, g * v)`."""
        to_input = None if w is None else torch.stack([self.transpose(g, column) for column in w[0]])
        if v is None:
            return to_input, None
        weight = torch.stack([self._backward(g, self.pad(column), self.module.weight, False) for column in v])
        bias = () if self.module.bias is None else (weight.new_zeros(len(v), self.module.out_channels),)
        return to_input, (weight, *bias)

    def square_weight(self, forms: list[Form]) -> Weights:
        """Column by column, so that one column's gradients are kept at a time; a diagonal needs `x^2` alone."""
        total: Weights = tuple(torch.zeros_like(w) for w in self.weights)
        for form in forms:
            if isinstance(form, Diagonal):
                squared = self._backward(form.values, self.padded.square(), self.module.weight, False)
                found = [(squared, *(b[0] for b in self._with_bias(squared[None], form.values[None])[1:]))]
            else:
                left, right = form.pair(len(self.x))
                found = (
                    self._square(a[None], None if right is left else b[None]) for a, b in zip(left, right, strict=True)
                )
            for parts in found:
                total = tuple(t + part for t, part in zip(total, parts, strict=True))
        return total

    def _square(self, left: Tensor, right: Tensor | None) -> Weights:
        first = self.vjp_weight_each(left)
        second = first if right is None else self.vjp_weight_each(right)
        return tuple((a * b).sum((0, 1)) for a, b in zip(first, second, strict=True))

    def vjp_squared(self, m: Tensor) -> Tensor:
        """`W^2 T * m`, where no entry of x is read twice by one window."""
        if self.around is not None and self.module.padding_mode != "zeros":
            return super().vjp_squared(m)
        return self.transpose(m, self.module.weight.square())

    def jvp_squared(self, m: Tensor) -> Tensor:
        """`W^2 * m`, where no entry of x is read twice by one window."""
        if self.around is not None and self.module.padding_mode != "zeros":
            return super().jvp_squared(m)
        return self.apply(self.pad(m), self.module.weight.square())
