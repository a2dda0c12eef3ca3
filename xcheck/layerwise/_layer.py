"""`Layer`: one module at one input, and the products of its two Jacobians with anything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from xcheck.layerwise._errors import Unsupported
from xcheck.layerwise._forms import Behind, Diagonal, Form, Unit
from xcheck.layerwise._once import once
from xcheck.layerwise._theta import Sums, Theta

Wrt = Literal["input", "weight"]
Visit = Callable[["Layer", "Pulled"], None]
Weights = tuple[Tensor, ...]  # one tensor a parameter, in the order of `named_parameters()`


class Pulled(NamedTuple):
    """What travels backward: quadratic forms, and the gradient `de_n/dy` (n, *out) where curvature counts."""

    forms: list[Form]
    gradient: Tensor | None


class Layer:
    """`y = f(x, w)` at a fixed `x`, with `J = dy/dx` and `J_w = dy/dw` per example.

    Tangents and cotangents carry a leading axis of `k` columns: `(k, n, *shape)`. A layer lives for one call and may
    keep what it computes. `jacobian` is enough: every other method has a default made of it; overriding makes it fast.
    """

    narrow = False  # True: the layer keeps examples innermost in memory
    constant = False  # True: J does not depend on x, so that columns equal for all examples keep n = 1

    def __init__(self, module: nn.Module, x: Tensor, theta: Theta) -> None:
        self.module = module
        self.x = x
        self.where = theta.place(iter(self.weights))
        self.tangent: Tensor | None = None
        self.y = self.forward(x)

    @once
    def weights(self) -> Weights:
        """The module's own parameters."""
        return tuple(parameter for parameter in self.module._parameters.values() if parameter is not None)

    def forward(self, x: Tensor) -> Tensor:
        """`y = f(x, w)`."""
        return self.module(x)

    def jacobian(self, wrt: Wrt) -> Tensor | None:
        """`J` as `(n, c, d)`, or `J_w` as `(n, c, p)`, inputs and outputs flattened; None without weights."""
        product = "vjp" if wrt == "input" else "vjp_weight_each"
        if getattr(type(self), product) is getattr(Layer, product):
            raise Unsupported(f"layerwise: {type(self).__name__} must define jacobian(wrt), or {product}")
        if wrt == "weight" and not self.weights:
            return None
        unit, _ = Unit(self.y).pair(len(self.x))
        rows = self.vjp(unit).flatten(2) if wrt == "input" else self.rows(unit).unflatten(0, unit.shape[:2])
        return rows.transpose(0, 1)

    @once
    def _input_jacobian(self) -> Tensor:
        jacobian = self.jacobian("input")
        if jacobian is None:
            raise Unsupported(f"layerwise: {type(self).__name__}.jacobian('input') returned None, expected (n, c, d)")
        return jacobian

    @once
    def _weight_jacobian(self) -> Tensor:
        jacobian = self.jacobian("weight")
        if jacobian is None:
            raise Unsupported(f"layerwise: {type(self).__name__}.jacobian('weight') returned None, expected (n, c, p)")
        return jacobian

    def split(self, flat: Tensor) -> Weights:
        """Cut the last axis, all weights in a row, into one tensor a parameter."""
        parts = flat.split([w.numel() for w in self.weights], dim=-1)
        return tuple(part.unflatten(-1, w.shape) for part, w in zip(parts, self.weights, strict=True))

    # First order: J v, J_w v, g J, g J_w.

    def jvp(self, v: Tensor) -> Tensor:
        """`J v`: (k, n, *in) -> (k, n, *out)."""
        return torch.einsum("ncd,knd->knc", self._input_jacobian, v.flatten(2)).unflatten(2, self.y.shape[1:])

    def vjp(self, g: Tensor) -> Tensor:
        """`g J`: (k, n, *out) -> (k, n, *in)."""
        return torch.einsum("ncd,knc->knd", self._input_jacobian, g.flatten(2)).unflatten(2, self.x.shape[1:])

    def jvp_weight(self, w: Weights) -> Tensor:
        """`J_w v`: one (k, *parameter), or (k, n, *parameter), a parameter -> (k, n, *out)."""
        n = self.x.shape[0]
        rows = [part.flatten(part.ndim - own.ndim) for part, own in zip(w, self.weights, strict=True)]
        flat = torch.cat([row if row.ndim == 3 else row[:, None].expand(-1, n, -1) for row in rows], dim=-1)
        return torch.einsum("ncp,knp->knc", self._weight_jacobian, flat).unflatten(2, self.y.shape[1:])

    def vjp_weight_each(self, g: Tensor) -> Weights:
        """`g J_w` of every example: one (k, n, *parameter) a parameter."""
        return self.split(torch.einsum("ncp,knc->knp", self._weight_jacobian, g.flatten(2)))

    def vjp_weight(self, g: Tensor) -> Weights:
        """`g J_w` summed over the examples: one (k, *parameter) a parameter."""
        return tuple(each.sum(1) for each in self.vjp_weight_each(g))

    def write_each(self, g: Tensor, out: Weights) -> None:
        """Write `g J_w` of every example into given blocks (k, n, *parameter), each entry once."""
        for block, each in zip(out, self.vjp_weight_each(g), strict=True):
            block.copy_(each)

    # Second order: what the layer itself bends, beside what it passes on.

    def second(self, g: Tensor, v: Tensor | None, w: Weights | None) -> tuple[Tensor | None, Weights | None]:
        """Derivative of `(g J, sum_n g J_w)` along `(v, w)` with `g` (n, *out) fixed; None stands for zero."""
        from xcheck.layerwise._bend import bend_of_jacobian

        return bend_of_jacobian(self, g, v, w)

    def residual(self, g: Tensor) -> list[Form]:
        """`sum_o g_o d2 y_o / dx2` per example as forms at the input; empty where the layer is linear in x."""
        from xcheck.layerwise._bend import residual_of_jacobian

        return residual_of_jacobian(self, g)

    def residual_weight(self, g: Tensor) -> Tensor | None:
        """`sum_n sum_o g_o d2 y_o / dw2`, (p, p) of this layer; None where the layer is linear in w."""
        from xcheck.layerwise._bend import residual_weight_of_jacobian

        return residual_weight_of_jacobian(self, g)

    # Quadratic forms: Q at the output, J^T Q J at the input, and what falls off for the weights on the way.

    def pull_forms(self, forms: list[Form]) -> list[Form]:
        """`J^T Q J` of every form."""
        return [form.through(self) for form in forms]

    def fold(self, diagonal: Diagonal) -> Form:
        """`J^T diag J`."""
        return diagonal.columns().through(self)

    def jacobian_rows(self, unit: Unit) -> Form:
        """The rows of `J`."""
        return unit.columns().through(self)

    def square_weight(self, forms: list[Form]) -> Weights:
        """`diag sum_n J_w^T Q_n J_w`: one tensor a parameter."""
        total: Weights = tuple(torch.zeros_like(w) for w in self.weights)
        for form in forms:
            left, right = form.pair(self.x.shape[0])
            first = self.vjp_weight_each(left)
            second = first if right is left else self.vjp_weight_each(right)
            total = tuple(t + (a * b).sum((0, 1)) for t, a, b in zip(total, first, second, strict=True))
        return total

    def block(self, forms: list[Form]) -> Tensor:
        """`sum_n J_w^T Q_n J_w`, (p, p) of this layer."""
        total = self.x.new_zeros(self.size, self.size)
        for form in forms:
            left, right = form.pair(self.x.shape[0])
            rows = self.rows(left)
            total = total + rows.t() @ (rows if right is left else self.rows(right))
        return total

    def rows(self, g: Tensor) -> Tensor:
        """`g J_w` of every column and example: (k n, p) of this layer."""
        each = self.vjp_weight_each(g)
        return torch.cat([part.flatten(2) for part in each], dim=-1).flatten(0, 1)

    # The three walks. A layer made of layers (Chain, Skip) overrides these and nothing else of the above.

    def push(self, v: Tensor | None, t: Tensor | None) -> Tensor | None:
        """Forward: tangents `v` of x (k, n, *in) and `t` of theta, (k, p) or (k, n, p), to that of y; None is zero."""
        self.tangent = v
        out = None if v is None else self.jvp(v)
        if t is None or not self.weights:
            return out
        own = self.jvp_weight(self.own(t))
        return own if out is None else out + own

    def pull(self, pulled: Pulled, visit: Visit, need: bool) -> Pulled | None:
        """Backward: call `visit` at every layer with weights, and bring the forms and the gradient to the input."""
        if need and self.weights:
            # The columns are used twice, here and further down: pull them through what they wait for only once.
            ready = [form.columns() if isinstance(form, Behind) else form for form in pulled.forms]
            pulled = Pulled(ready, pulled.gradient)
        if self.weights:
            visit(self, pulled)
        if not need:
            return None
        forms = self.pull_forms(pulled.forms)
        if pulled.gradient is None:
            return Pulled(forms, None)
        return Pulled(forms + self.residual(pulled.gradient), self.vjp(pulled.gradient[None])[0])

    def turn(self, g: Tensor, dg: Tensor, t: Tensor, sums: Sums, need: bool) -> tuple[Tensor, Tensor] | None:
        """Backward with tangents (R-operator): `g` (n, *out), `dg` (k, n, *out); weights' tangents go to `sums`."""
        to_input, to_weights = self.second(g, self.tangent, self.own(t) if self.weights else None)
        if self.weights:
            sums.add(self.where, self.vjp_weight(dg))
            if to_weights is not None:
                sums.add(self.where, to_weights)
        if not need:
            return None
        back = self.vjp(dg)
        return self.vjp(g[None])[0], back if to_input is None else back + to_input

    def pull_squared(self, m: Tensor, visit: Visit, need: bool) -> Tensor | None:
        """Backward, keeping only a diagonal `m` (n, *out) at every layer: an approximation, one layer after another."""
        if self.weights:
            visit(self, Pulled([Diagonal(m)], None))
        return self.vjp_squared(m) if need else None

    def own(self, t: Tensor) -> Weights:
        """This layer's parts of a flat tangent (k, p) or (k, n, p) of theta."""
        return tuple(t[..., place].unflatten(-1, w.shape) for place, w in zip(self.where, self.weights, strict=True))

    @once
    def size(self) -> int:
        """How many weights the layer has."""
        return sum(w.numel() for w in self.weights)

    @property
    def weighted(self) -> bool:
        """Whether this layer, or one within it, has weights."""
        return bool(self.weights)

    # Squared Jacobians, for the approximate diagonal that is propagated layer by layer.

    def vjp_squared(self, m: Tensor) -> Tensor:
        """`diag(J^T diag(m) J)`: (n, *out) -> (n, *in)."""
        return torch.einsum("ncd,nc->nd", self._input_jacobian.square(), m.flatten(1)).unflatten(1, self.x.shape[1:])

    def jvp_squared(self, m: Tensor) -> Tensor:
        """`diag(J diag(m) J^T)`: (n, *in) -> (n, *out)."""
        return torch.einsum("ncd,nd->nc", self._input_jacobian.square(), m.flatten(1)).unflatten(1, self.y.shape[1:])
