"""Normalisation, `y = z w + b` with `z` the standardised x: LayerNorm, GroupNorm, RMSNorm, BatchNorm in evaluation."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from xcheck.layerwise._errors import Unsupported
from xcheck.layerwise._layer import Layer, Weights
from xcheck.layerwise._once import once
from xcheck.layerwise._registry import register
from xcheck.layerwise.layers.generic import refuse_training


class _Affine(Layer, ABC):
    """`y = z w + b`: what the weights see; a subclass gives `z` and how weights lie over the features."""

    z: Tensor

    @abstractmethod
    def spread(self, w: Tensor) -> Tensor:
        """A weight (..., *parameter) over the features (..., *x), broadcastable."""

    @abstractmethod
    def gather(self, g: Tensor) -> Tensor:
        """The transpose of `spread`: (k, n, *x) -> (k, n, *parameter)."""

    def weighted_by(self, g: Tensor) -> Tensor:
        """`w g`."""
        return g * self.spread(self.weights[0]) if self.weights else g

    def _two(self, weight: Tensor, bias: Tensor) -> Weights:
        both = (weight, bias)
        return both[: len(self.weights)]

    def jvp_weight(self, w: Weights) -> Tensor:
        """`z V + v_b`."""
        parts = [
            self.spread(part if part.ndim > own.ndim + 1 else part.unsqueeze(1))
            for part, own in zip(w, self.weights, strict=True)
        ]
        out = self.z * parts[0]
        return out.expand(-1, *self.y.shape) if len(parts) == 1 else out + parts[1]

    def vjp_weight_each(self, g: Tensor) -> Weights:
        """`g z`, and g."""
        return self._two(self.gather(g * self.z), self.gather(g))

    def residual_weight(self, g: Tensor) -> None:
        """Linear in w."""


class _Standardised(_Affine):
    """`z = (x - m) / s` over groups of features: `dz/dx v = (P v - z <z, v>) / s`, symmetric, with P the centring."""

    centred = True

    @abstractmethod
    def groups(self, x: Tensor) -> Tensor:
        """(..., *x) -> (..., groups, entries of a group)."""

    def statistics(self, x: Tensor, eps: float | None) -> Tensor:
        """Set `z` and `1 / s`."""
        grouped = self.groups(x)
        centred = grouped - grouped.mean(-1, keepdim=True) if self.centred else grouped
        self.inverse = torch.rsqrt(
            centred.square().mean(-1, keepdim=True) + (torch.finfo(x.dtype).eps if eps is None else eps)
        )
        self.z = (centred * self.inverse).view(x.shape)
        y = self.weighted_by(self.z)
        bias = getattr(self.module, "bias", None)
        return y if bias is None else y + self.spread(bias)

    @once
    def _grouped(self) -> Tensor:
        return self.groups(self.z)

    def slope(self, v: Tensor) -> Tensor:
        """`dz/dx v`."""
        grouped = self.groups(v)
        along = (self._grouped * grouped).mean(-1, keepdim=True)
        centred = grouped - grouped.mean(-1, keepdim=True) if self.centred else grouped
        return ((centred - self._grouped * along) * self.inverse).view(v.shape)

    def jvp(self, v: Tensor) -> Tensor:
        """`w dz/dx v`."""
        return self.weighted_by(self.slope(v))

    def vjp(self, g: Tensor) -> Tensor:
        """`dz/dx (w g)`."""
        return self.slope(self.weighted_by(g))

    def second(self, g: Tensor, v: Tensor | None, w: Weights | None) -> tuple[Tensor | None, Weights | None]:
        """`d(dz/dx h)` along v: `-<z, v> dz/dx h / s - (u <z, h> + z <u, h>) / s` with `u = dz/dx v`, `h = w g`."""
        to_input = None if w is None else self.slope(g * self.spread(w[0].unsqueeze(1)))
        if v is None:
            return to_input, None
        z, u, h = self._grouped, self.slope(v), self.groups(self.weighted_by(g))
        moved, passed = self.groups(u), self.groups(self.slope(self.weighted_by(g)))
        along = (z * self.groups(v)).mean(-1, keepdim=True)
        bent = moved * (z * h).mean(-1, keepdim=True) + z * (moved * h).mean(-1, keepdim=True)
        own = (-(along * passed + bent) * self.inverse).view(v.shape)
        total = own if to_input is None else own + to_input
        if not self.weights:
            return total, None
        each = self._two(self.gather(g * u), self.gather(torch.zeros_like(u)))
        return total, tuple(part.sum(1) for part in each)


class _OverLast(_Standardised):
    """Over the last axes, those of the weight."""

    module: nn.LayerNorm | nn.RMSNorm

    @property
    def _size(self) -> int:
        return len(self.module.normalized_shape)

    def groups(self, x: Tensor) -> Tensor:
        """All but the last axes apart."""
        return x.flatten(-self._size).unsqueeze(-2)

    def spread(self, w: Tensor) -> Tensor:
        """A weight is the same for all positions."""
        lead, own = w.shape[: w.ndim - self._size], w.shape[w.ndim - self._size :]
        return w.view(*lead, *[1] * (self.x.ndim - 1 - self._size), *own)

    def gather(self, g: Tensor) -> Tensor:
        """Sum over the positions."""
        between = tuple(range(2, g.ndim - self._size))
        return g.sum(between) if between else g


@register(nn.LayerNorm)
class LayerNorm(_OverLast):
    """Mean 0 and variance 1 over the last axes. Ba, Kiros and Hinton 2016."""

    def forward(self, x: Tensor) -> Tensor:
        """`(x - m) / s w + b`."""
        return self.statistics(x, self.module.eps)


@register(nn.RMSNorm)
class RMSNorm(_OverLast):
    """Root mean square 1 over the last axes, no centring. Zhang and Sennrich 2019."""

    centred = False

    def forward(self, x: Tensor) -> Tensor:
        """`x / s w`; without eps PyTorch takes the dtype's machine epsilon."""
        return self.statistics(x, self.module.eps)


class _Channels(_Affine):
    """Weights lie over axis 1."""

    def spread(self, w: Tensor) -> Tensor:
        """A weight is the same for all positions."""
        return w.view(*w.shape, *[1] * (self.x.ndim - 2))

    def gather(self, g: Tensor) -> Tensor:
        """Sum over the positions."""
        return g.flatten(3).sum(3) if g.ndim > 3 else g


@register(nn.GroupNorm)
class GroupNorm(_Channels, _Standardised):
    """Mean 0 and variance 1 over groups of channels. Wu and He 2018."""

    module: nn.GroupNorm

    def groups(self, x: Tensor) -> Tensor:
        """Channels of a group with all their positions."""
        return x.flatten(1 - self.x.ndim).unflatten(-1, (self.module.num_groups, -1))

    def forward(self, x: Tensor) -> Tensor:
        """`(x - m) / s w + b`."""
        return self.statistics(x, self.module.eps)


@register(nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
class BatchNorm(_Channels):
    """In evaluation mode `z = (x - m) / s` with stored m and s: a linear map. Ioffe and Szegedy 2015."""

    constant = True
    module: nn.BatchNorm2d

    def forward(self, x: Tensor) -> Tensor:
        """`(x - m) / s w + b`."""
        refuse_training(self.module)
        mean, variance = self.module.running_mean, self.module.running_var
        if mean is None or variance is None:
            raise Unsupported(
                f"layerwise: {type(self.module).__name__} without running statistics normalises over the batch: "
                "no example has a Jacobian of its own; build it with track_running_stats=True"
            )
        self.x = x
        self.inverse = self.spread(torch.rsqrt(variance + self.module.eps))
        self.z = (x - self.spread(mean)) * self.inverse
        y = self.weighted_by(self.z)
        return y if self.module.bias is None else y + self.spread(self.module.bias)

    def jvp(self, v: Tensor) -> Tensor:
        """`w v / s`."""
        return self.weighted_by(v * self.inverse)

    def vjp(self, g: Tensor) -> Tensor:
        """J is diagonal."""
        return self.jvp(g)

    def second(self, g: Tensor, v: Tensor | None, w: Weights | None) -> tuple[Tensor | None, Weights | None]:
        """`(g V / s, g v / s)`."""
        to_input = None if w is None else g * self.inverse * self.spread(w[0].unsqueeze(1))
        if v is None or not self.weights:
            return to_input, None
        each = self.gather(g * v * self.inverse)
        return to_input, tuple(part.sum(1) for part in self._two(each, torch.zeros_like(each)))

    def residual(self, g: Tensor) -> list:
        """Linear in x."""
        return []
