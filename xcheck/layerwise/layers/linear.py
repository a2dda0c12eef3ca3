"""`torch.nn.Linear`: `y = x W^T + b`, by matrix products in the layout that suits the width."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from xcheck.layerwise._forms import Columns, Diagonal, Folded, Form, Unit
from xcheck.layerwise._layer import Layer, Weights
from xcheck.layerwise._once import once
from xcheck.layerwise._registry import register

# Up to this width a Jacobian keeps its examples innermost too: loops over 10 features are all overhead, those over 1000
# examples are none. Measured on 1-10-10-1: outer products are written 5 times faster so.
NARROW = 32


def times(x: Tensor, weight: Tensor) -> Tensor:
    """`x W`: (..., i) x (i, o) -> (..., o), examples innermost in memory before and after."""
    if x.ndim == 2:
        return torch.mm(weight.t(), x.t()).t()
    if x.ndim == 3:
        k, n, i = x.shape
        return torch.mm(weight.t(), x.permute(2, 0, 1).reshape(i, k * n)).view(-1, k, n).permute(1, 2, 0)
    return x @ weight


@register(nn.Linear)
class Linear(Layer):
    """`J = W`; `J_w v = V x + v_b`; `g J_w = (g x^T, g)`."""

    constant = True
    module: nn.Linear

    def forward(self, x: Tensor) -> Tensor:
        """`y = x W^T + b`; vectors are kept with the examples innermost, (i, n), which suits every product here."""
        weight, bias = self.module.weight, self.module.bias
        if x.ndim != 2:
            return nn.functional.linear(x, weight, bias)
        self.narrow = max(weight.shape) <= NARROW
        self.features = x.t().contiguous()
        self.x = self.features.t()
        if bias is None:
            return torch.mm(weight, self.features).t()
        return torch.addmm(bias.unsqueeze(1), weight, self.features).t()

    @once
    def _squared_input(self) -> Tensor:
        return self.x.square()

    def jvp(self, v: Tensor) -> Tensor:
        """`W v`."""
        return times(v, self.module.weight.t())

    def vjp(self, g: Tensor) -> Tensor:
        """`g W`."""
        return times(g, self.module.weight)

    def jvp_weight(self, w: Weights) -> Tensor:
        """`V x + v_b`."""
        if w[0].ndim == 3:
            out = _apply(self.x, w[0])
            return out if len(w) == 1 else out + w[1].view(-1, *[1] * (out.ndim - 2), out.shape[-1])
        out = torch.einsum("kn...oi,n...i->kn...o" if self.x.ndim == 2 else "knoi,nti->knto", w[0], self._tokens)
        out = out.view(out.shape[0], *self.y.shape)
        return out if len(w) == 1 else out + w[1].view(*w[1].shape[:2], *[1] * (out.ndim - 3), out.shape[-1])

    @property
    def _tokens(self) -> Tensor:
        return self.x if self.x.ndim == 2 else self.x.flatten(1, -2)

    def vjp_weight(self, g: Tensor) -> Weights:
        """`sum_n g_n x_n^T`, and `sum_n g_n`."""
        rows = g.flatten(1, -2)
        out = torch.matmul(rows.transpose(-1, -2), self.x.flatten(0, -2))
        return (out,) if self.module.bias is None else (out, rows.sum(1))

    def vjp_weight_each(self, g: Tensor) -> Weights:
        """`g_n x_n^T`, and `g_n`."""
        if self.x.ndim == 2:
            out = g[..., None] * self.x[:, None]
            return (out,) if self.module.bias is None else (out, g)
        tokens = g.flatten(2, -2)
        out = tokens.transpose(-1, -2) @ self._tokens
        return (out,) if self.module.bias is None else (out, tokens.sum(2))

    def write_each(self, g: Tensor, out: Weights) -> None:
        """The outer products, each written once into its block."""
        if self.x.ndim != 2 or torch.is_grad_enabled():
            super().write_each(g, out)
            return
        if out[0].stride(-1) == 1:  # the inner loop runs over inputs
            torch.mul(g.contiguous()[..., None], self.x.contiguous()[:, None], out=out[0])
        else:
            torch.mul(g[..., None], self.x[:, None], out=out[0])
        for block in out[1:]:
            block.copy_(g)

    def jacobian_rows(self, unit: Unit) -> Form:
        """The rows of `W`."""
        return Columns(self.module.weight.unsqueeze(1)) if self.x.ndim == 2 else super().jacobian_rows(unit)

    def square_weight(self, forms: list[Form]) -> Weights:
        """`diag Q^T x^2`, and `sum_n diag Q`: no Jacobian, one matrix product."""
        if self.x.ndim != 2:
            return super().square_weight(forms)
        if len(forms) == 1 and isinstance(forms[0], Unit):
            outputs = len(self.module.weight)
            squares = self._squared_input.sum(0).expand(outputs, -1)
            return (squares, self.x.new_full((outputs,), len(self.x)))[: len(self.weights)]
        diagonals = [form.diagonal() for form in forms]
        total = diagonals[0]
        for diagonal in diagonals[1:]:
            total = total + diagonal
        if total.shape[0] == 1:
            out = (total.t() * self._squared_input.sum(0), total[0] * self.x.shape[0])
        else:
            out = (total.t() @ self._squared_input, total.sum(0))
        return out[: len(self.weights)]

    def fold(self, diagonal: Diagonal) -> Form:
        """`W^T diag W`, kept as it is until more than its diagonal is needed."""
        return Folded(self.module.weight, diagonal.values) if self.x.ndim == 2 else super().fold(diagonal)

    def second(self, g: Tensor, v: Tensor | None, w: Weights | None) -> tuple[Tensor | None, Weights | None]:
        """`(g V, g v^T)`: the layer is bilinear in x and W."""
        to_input = None if w is None else _apply(g, w[0].transpose(-1, -2))
        if v is None:
            return to_input, None
        out = torch.matmul(g.flatten(0, -2).t(), v.flatten(1, -2))
        return to_input, (out,) if self.module.bias is None else (out, torch.zeros_like(out[..., 0]))

    def residual(self, g: Tensor) -> list[Form]:
        """Linear in x."""
        return []

    def residual_weight(self, g: Tensor) -> None:
        """Linear in W."""

    def vjp_squared(self, m: Tensor) -> Tensor:
        """`m W^2`."""
        return times(m, self.module.weight.square())

    def jvp_squared(self, m: Tensor) -> Tensor:
        """`W^2 m`."""
        return times(m, self.module.weight.square().t())


def _apply(x: Tensor, tangents: Tensor) -> Tensor:
    """`x V_k^T` for each of `k` tangents (k, o, i): (n, ..., i) -> (k, n, ..., o)."""
    if len(tangents) == 1:
        return times(x, tangents[0].t())[None]
    return torch.matmul(x.flatten(0, -2), tangents.transpose(-1, -2)).unflatten(1, x.shape[:-1])
