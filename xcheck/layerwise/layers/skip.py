"""Skip connections: `y = x + f(x)` and `y = [x, f(x)]`; what is pulled back goes both ways and is added."""

from __future__ import annotations

import torch
from torch import Tensor

from xcheck.layerwise._chain import Chain
from xcheck.layerwise._forms import Columns
from xcheck.layerwise._layer import Pulled, Visit
from xcheck.layerwise._registry import register
from xcheck.layerwise._theta import Sums
from xcheck.layerwise.modules import Skip, SkipConcat


@register(Skip)
class Added(Chain):
    """`J = I + F`, with F the Jacobian of the inner chain."""

    def forward(self, x: Tensor) -> Tensor:
        """`x + f(x)`."""
        self.inner = super().forward(x)
        return self.join(x, self.inner, 1)

    @property
    def narrow(self) -> bool:
        """The inner columns are as wide as the result."""
        return False

    def join(self, x: Tensor, f: Tensor, axis: int) -> Tensor:
        """`x + f`."""
        return x + f

    def part(self, g: Tensor, axis: int) -> tuple[Tensor, Tensor]:
        """What of a cotangent goes to x, and to f(x)."""
        return g, g

    def push(self, v: Tensor | None, t: Tensor | None) -> Tensor | None:
        """Forward on both ways."""
        inner = super().push(v, t)
        if inner is None and v is None:
            return None
        like = inner if inner is not None else v
        assert like is not None
        zero = like.new_zeros(*like.shape[:2], *self.x.shape[1:])
        return self.join(zero if v is None else v, zero if inner is None else inner, 2)

    def pull(self, pulled: Pulled, visit: Visit, need: bool) -> Pulled | None:
        """Backward on both ways: forms become columns, for only columns can be added."""
        pairs = [form.pair(len(self.x)) for form in pulled.forms]
        split = [(self.part(left, 2), None if right is left else self.part(right, 2)) for left, right in pairs]
        inner = [Columns(left[1], None if right is None else right[1]) for left, right in split]
        gradient = None if pulled.gradient is None else self.part(pulled.gradient, 1)
        behind = super().pull(Pulled(list(inner), None if gradient is None else gradient[1]), visit, need)
        if behind is None:
            return None
        forms = list(behind.forms)
        for i, (left, right) in enumerate(split):
            mine, theirs = forms[i].pair(len(self.x))
            forms[i] = Columns(left[0] + mine, None if right is None else right[0] + theirs)
        if gradient is None or behind.gradient is None:
            return Pulled(forms, None)
        return Pulled(forms, gradient[0] + behind.gradient)

    def turn(self, g: Tensor, dg: Tensor, t: Tensor, sums: Sums, need: bool) -> tuple[Tensor, Tensor] | None:
        """Backward with tangents on both ways."""
        (g_x, g_f), (dg_x, dg_f) = self.part(g, 1), self.part(dg, 2)
        behind = super().turn(g_f, dg_f, t, sums, need)
        return None if behind is None else (g_x + behind[0], dg_x + behind[1])

    def pull_squared(self, m: Tensor, visit: Visit, need: bool) -> Tensor | None:
        """The inner layers see a diagonal; the block itself is taken whole, cross terms and all."""
        super().pull_squared(self.part(m, 1)[1], visit, need=False)
        return self.vjp_squared(m) if need else None

    def vjp_squared(self, m: Tensor) -> Tensor:
        """`diag((I + F)^T diag(m) (I + F))`."""
        return super(Chain, self).vjp_squared(m)

    def jvp_squared(self, m: Tensor) -> Tensor:
        """`diag((I + F) diag(m) (I + F)^T)`."""
        return super(Chain, self).jvp_squared(m)


@register(SkipConcat)
class Concatenated(Added):
    """`J = [I; F]`."""

    def join(self, x: Tensor, f: Tensor, axis: int) -> Tensor:
        """`[x, f]`."""
        return torch.cat([x, f], dim=axis)

    def part(self, g: Tensor, axis: int) -> tuple[Tensor, Tensor]:
        """The front, and the rest."""
        front = self.x.shape[1]
        return g.narrow(axis, 0, front), g.narrow(axis, front, g.shape[axis] - front)
