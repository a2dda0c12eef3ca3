"""Products on chains that are too wide for a strip: large matrix products by PyTorch, all between them by the kernels.

Values stand on top of their tangents in one matrix, so that one product serves both; as do, on the way back, the
gradient's tangent and the gradient. Pearlmutter 1994 (the R-operator); Schraudolph 2002 for the Gauss-Newton product.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from xcheck.layerwise._fused.build import Kernels
from xcheck.layerwise._fused.stages import NONE, Stage
from xcheck.layerwise.losses import at_output, scale


@dataclass(slots=True)
class Kept:
    """Of a stage: its input and `z`, (2n, f), but the first input has no tangents; `s'` above `s''`; V, and b of v."""

    a: Tensor
    z: Tensor
    slopes: Tensor | None
    V: Tensor
    part: Tensor | None


class Wide:
    """A chain of any width on its way through PyTorch's products and the kernels."""

    def __init__(self, kernels: Kernels, stages: list[Stage]) -> None:
        self._kernels, self._stages = kernels, stages

    def product(self, x: Tensor, y: Tensor, v: Tensor, loss: nn.Module, *, curved: bool) -> Tensor:
        """`H v` (curved) or `G v`, (p,)."""
        n, factor, result = len(x), scale(loss, y)[0], torch.empty_like(v)
        values, kept = self._push(x, v)
        output, g = at_output(loss, values[:n], y), values.new_empty((1 + curved) * n, values.shape[1])
        torch.mul(output.product(values[n:]), factor, out=g[:n])
        if curved:
            torch.mul(output.gradient(), factor, out=g[n:])
        for one, share, part in reversed(self._cut(result)):
            at = kept.pop()
            if at.slopes is not None and curved:
                self._kernels["unbends"](len(g) // 2 * g.shape[1], at.slopes.data_ptr(), at.z.data_ptr(), g.data_ptr())
            elif at.slopes is not None:
                g.mul_(at.slopes[:n])
            if part is not None:
                torch.sum(g[:n], 0, out=part)
            torch.mm(g[: len(at.a)].t(), at.a[: len(g)], out=share)
            if not kept:
                break
            back = torch.mm(g, one.affine.weight)
            if curved:
                back[:n].addmm_(g[n:], at.V)
            g = back
        return result

    def _push(self, x: Tensor, v: Tensor) -> tuple[Tensor, list[Kept]]:
        """The outputs on top of their tangents, and what the way back needs."""
        n, a, kept = len(x), x, []
        for one, V, part in self._cut(v):
            weight, bias = one.affine.weight, one.affine.bias
            if len(a) == n:  # the inputs have no tangent
                z = a.new_empty(2 * n, len(weight))
                torch.mm(a, weight.t(), out=z[:n])
                torch.mm(a, V.t(), out=z[n:])
            else:
                z = torch.mm(a, weight.t())
                z[n:].addmm_(a[:n], V.t())
            if bias is not None and part is not None:
                z[:n].add_(bias)
                z[n:].add_(part)
            at = Kept(a, z, None, V, part)
            kept.append(at)
            a = z
            if one.bend != NONE:
                a, at.slopes = torch.empty_like(z), torch.empty_like(z)
                self._kernels["bends"](one.bend, z.numel() // 2, z.data_ptr(), a.data_ptr(), at.slopes.data_ptr())
        return a, kept

    def _cut(self, theta: Tensor) -> list[tuple[Stage, Tensor, Tensor | None]]:
        """Every stage with the weights and the biases of theta, or of what lies like it."""
        found, at = [], 0
        for one in self._stages:
            weight, bias = one.affine.weight, one.affine.bias
            end = at + weight.numel()
            after = end if bias is None else end + len(bias)
            found.append((one, theta[at:end].view(weight.shape), None if bias is None else theta[end:after]))
            at = after
        return found
