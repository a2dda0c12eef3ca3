"""Curvature times a vector on a plain chain: every product is written where it belongs, and views are few.

Pearlmutter 1994 (the R-operator); Schraudolph 2002 for the Gauss-Newton product.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from xcheck.layerwise._plain import Affine, Plain, first, sizes
from xcheck.layerwise.losses import at_output


def product(
    chain: Plain, x: Tensor, y: Tensor, v: Tensor, loss: nn.Module, factor: float | Tensor, *, curved: bool
) -> Tensor:
    """`H v` (curved) or `G v`, (p,), of `factor sum_n e_n`."""
    tangents = cut(chain, v)
    f, df, entering = push(chain, x, tangents, curved=curved)
    output, result = at_output(loss, f.t(), y), torch.empty_like(v)
    dg = output.product(df.t()).t() * factor
    g = output.gradient().t() * factor if curved else None
    found, stop = cut(chain, result), first(chain)
    for i in range(len(chain) - 1, stop - 1, -1):
        one, z = chain.pop(), entering.pop()  # what lies behind is freed
        if isinstance(one, Affine):
            if one.bias is not None:
                torch.sum(dg, 1, out=found.pop())
                tangents.pop()
            share, tangent = found.pop().view(one.weight.shape), tangents.pop()
            torch.mm(dg, one.a.t(), out=share)
            if i == stop:
                break
            back = one.weight.t()
            dg = torch.mm(back, dg)
            if g is not None and z is not None:
                share.addmm_(g, z.t())
                dg.addmm_(tangent.view(one.weight.shape).t(), g)
                g = torch.mm(back, g)
        else:
            slope = one.layer.slope
            dg.mul_(slope)
            if g is not None and z is not None:
                if not one.layer.linear:
                    dg.addcmul_(one.layer.bend * g, z)
                g.mul_(slope)
    return result


def cut(chain: Plain, theta: Tensor) -> list[Tensor]:
    """Every weight and bias of theta, or of what lies like it, flat and in order: they are popped from the end."""
    return list(theta.split(sizes(chain)))


def push(
    chain: Plain, x: Tensor, tangents: list[Tensor], *, curved: bool
) -> tuple[Tensor, Tensor, list[Tensor | None]]:
    """The outputs, their tangents, (c, n), and the tangent that enters every layer, where curvature wants it."""
    a, z, entering, parts = x.t().contiguous(), None, [], iter(tangents)
    for one in chain:
        entering.append(z if curved else None)
        if isinstance(one, Affine):
            one.a, v = a, next(parts).view(one.weight.shape)
            dz = torch.mm(v, a)
            if z is not None:
                dz.addmm_(one.weight, z)
            a, z = torch.mm(one.weight, a), dz
            if one.bias is not None:
                a.add_(one.bias.unsqueeze(1))
                z.add_(next(parts).unsqueeze(1))
        else:
            a = one.at(a)
            if z is not None:
                z = z * one.layer.slope if curved else z.mul_(one.layer.slope)
    assert z is not None
    return a, z, entering
