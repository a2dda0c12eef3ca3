"""Quadratic forms that are pulled back through a network: per example a square root, a diagonal, or a pair."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor

if TYPE_CHECKING:
    from xcheck.layerwise._layer import Layer


# Bytes of columns that are worked on at a time where nothing but a sum over them is kept: most of a common L2 cache.
CACHE = 3 * 2**18


class Form(Protocol):
    """`Q_n`, one symmetric (f, f) matrix an example, at the output or the input of a layer."""

    def diagonal(self) -> Tensor:
        """`diag Q_n`: (n, *f), or (1, *f) where it is the same for all examples."""
        ...

    def pair(self, n: int) -> tuple[Tensor, Tensor]:
        """`L, R` of shape (k, n, *f) with `Q_n = sum_k L_kn R_kn^T`; the same tensor twice where `R = L`."""
        ...

    def scaled(self, slope: Tensor) -> Form:
        """`diag(slope) Q diag(slope)`: the pull-back through an elementwise layer."""
        ...

    def through(self, layer: Layer) -> Form:
        """`J^T Q J`: the pull-back through a layer."""
        ...


class Columns:
    """`Q = D (sum_k L_k R_k^T) D`: columns (k, n or 1, *f), `R = L` unless given, and a scale `D` not yet applied."""

    def __init__(self, left: Tensor, right: Tensor | None = None, scale: Tensor | None = None) -> None:
        self.left, self.right, self.scale = left, right, scale

    def diagonal(self) -> Tensor:
        """`D^2 sum_k L_k R_k`: the scale is applied once, after the sum over the columns."""
        left = self.left.unbind()
        right = left if self.right is None else self.right.unbind()
        total = left[0] * right[0]
        for a, b in zip(left[1:], right[1:], strict=True):
            total.addcmul_(a, b)
        return total if self.scale is None else total * self.scale.square()

    def _applied(self, columns: Tensor) -> Tensor:
        if self.scale is None:
            return columns
        if self.scale.ndim != 2 or self.scale.stride(-1) == 1 or torch.is_grad_enabled():
            return columns * self.scale
        # The scale has its features outermost, and so must the product: a broadcast would choose a layout of its own.
        out = columns.new_empty(self.scale.shape[1], columns.shape[0], self.scale.shape[0])
        torch.mul(columns.permute(2, 0, 1), self.scale.t().unsqueeze(1), out=out)
        return out.permute(1, 2, 0)

    def dense(self) -> Columns:
        """The same columns with the scale applied."""
        if self.scale is None:
            return self
        return Columns(self._applied(self.left), None if self.right is None else self._applied(self.right))

    def pair(self, n: int) -> tuple[Tensor, Tensor]:
        """`L, R` with the scale applied."""
        applied = self.dense()
        left = applied.left.expand(-1, n, *applied.left.shape[2:])
        return left, left if applied.right is None else applied.right.expand(-1, n, *left.shape[2:])

    def scaled(self, slope: Tensor) -> Columns:
        """Remember the slope: a linear layer below may need only the diagonal."""
        return Columns(self.left, self.right, slope if self.scale is None else self.scale * slope)

    def through(self, layer: Layer) -> Form:
        """`J^T L, J^T R`, when they are asked for."""
        return Behind(self, layer)

    def pulled(self, layer: Layer) -> Columns:
        """`J^T L, J^T R`."""
        own, n = self.dense(), layer.x.shape[0]

        def pulled(columns: Tensor) -> Tensor:
            return layer.vjp(columns if layer.constant else columns.expand(-1, n, *columns.shape[2:]))

        return Columns(pulled(own.left), None if own.right is None else pulled(own.right))

    def some(self, which: slice) -> Columns:
        """A few of the columns."""
        return Columns(self.left[which], None if self.right is None else self.right[which], self.scale)


class Behind:
    """Columns behind a layer, not yet pulled through it: for a diagonal alone a few at a time are enough."""

    def __init__(self, columns: Columns, layer: Layer, scale: Tensor | None = None) -> None:
        self.before, self.layer, self.scale = columns, layer, scale

    def columns(self) -> Columns:
        """All columns pulled through, behind the scale."""
        pulled = self.before.pulled(self.layer)
        return Columns(pulled.left, pulled.right, self.scale)

    def diagonal(self) -> Tensor:
        """`D^2 sum_k (J^T L)_k (J^T R)_k`, as many columns at a time as the cache holds."""
        one, count = self.layer.x.numel() * self.layer.x.element_size(), len(self.before.left)
        parts = -(-count // max(1, CACHE // max(one, 1)))
        size = max(1, -(-count // max(1, parts)))  # all alike: a small part costs more than its share
        total: Tensor | None = None
        for start in range(0, count, size):
            part = self.before.some(slice(start, start + size)).pulled(self.layer).diagonal()
            total = part if total is None else total.add_(part)
        assert total is not None
        return total if self.scale is None else total * self.scale.square()

    def pair(self, n: int) -> tuple[Tensor, Tensor]:
        """The columns pulled through."""
        return self.columns().pair(n)

    def scaled(self, slope: Tensor) -> Behind:
        """Remember the slope."""
        return Behind(self.before, self.layer, slope if self.scale is None else self.scale * slope)

    def through(self, layer: Layer) -> Form:
        """Pulled through the first layer, behind the next."""
        return self.columns().through(layer)


class Unit:
    """`Q = I`, the same for all examples: the Hessian of a square error."""

    def __init__(self, like: Tensor) -> None:
        self.like = like

    def diagonal(self) -> Tensor:
        """Ones, (1, *f)."""
        return self.like.new_ones(1, *self.like.shape[1:])

    def columns(self) -> Columns:
        """The unit vectors."""
        shape = self.like.shape[1:]
        return Columns(unit_vectors(shape.numel(), self.like.dtype, self.like.device).view(-1, 1, *shape))

    def pair(self, n: int) -> tuple[Tensor, Tensor]:
        """The unit vectors, twice."""
        return self.columns().pair(n)

    def scaled(self, slope: Tensor) -> Columns:
        """The unit vectors behind a slope."""
        return self.columns().scaled(slope)

    def through(self, layer: Layer) -> Form:
        """The rows of the layer's Jacobian."""
        return layer.jacobian_rows(self)


@lru_cache(maxsize=16)
def unit_vectors(size: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """The identity, kept: never written to."""
    return torch.eye(size, dtype=dtype, device=device)


class Diagonal:
    """`Q = diag(values)`, (n, *f): what an elementwise layer adds to the Hessian at its input."""

    def __init__(self, values: Tensor) -> None:
        self.values = values

    def diagonal(self) -> Tensor:
        """`values`."""
        return self.values

    def columns(self) -> Columns:
        """The unit columns against the values on them."""
        unit = Unit(self.values).columns().left
        return Columns(unit, unit * self.values)

    def pair(self, n: int) -> tuple[Tensor, Tensor]:
        """Unit columns, and the values on them."""
        return self.columns().pair(n)

    def scaled(self, slope: Tensor) -> Diagonal:
        """`values slope^2`."""
        return Diagonal(self.values * slope.square())

    def through(self, layer: Layer) -> Form:
        """The layer says what becomes of a diagonal: a linear one needs no columns yet."""
        return layer.fold(self)


class Folded:
    """`Q = D W^T diag(values) W D`: a diagonal behind one linear layer, whose own diagonal is one small product."""

    def __init__(self, weight: Tensor, values: Tensor, scale: Tensor | None = None) -> None:
        self.weight, self.values, self.scale = weight, values, scale

    def diagonal(self) -> Tensor:
        """`D^2 (values W^2)`."""
        from xcheck.layerwise.layers.linear import times

        total = times(self.values, self.weight.square())
        return total if self.scale is None else total * self.scale.square()

    def columns(self) -> Columns:
        """One column for each output of the linear layer."""
        rows = self.weight[:, None]
        return Columns(rows, self.values.t()[..., None] * rows, self.scale)

    def pair(self, n: int) -> tuple[Tensor, Tensor]:
        """One column for each output of the linear layer."""
        return self.columns().pair(n)

    def scaled(self, slope: Tensor) -> Folded:
        """Remember the slope."""
        return Folded(self.weight, self.values, slope if self.scale is None else self.scale * slope)

    def through(self, layer: Layer) -> Form:
        """From here on columns are needed."""
        return self.columns().through(layer)
