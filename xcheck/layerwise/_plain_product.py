"""Curvature times a vector on a plain chain: every product is written where it belongs, and views are few.

Pearlmutter 1994 (the R-operator); Schraudolph 2002 for the Gauss-Newton product.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from xcheck.layerwise._plain import Affine, Bend, Plain, first, sizes
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
            if g is not None:
                z = leaving(chain[-1], entering[-1]) if z is None else z
                share.addmm_(g, z.t())
                dg.addmm_(tangent.view(one.weight.shape).t(), g)
                g = torch.mm(back, g)
        else:
            slope = one.layer.slope
            dg.mul_(slope)
            if g is not None and z is not None:
                if not one.layer.linear:
                    dg.addcmul_(one.layer.bend, z.mul_(g))
                g.mul_(slope)
    return result


def cut(chain: Plain, theta: Tensor) -> list[Tensor]:
    """Every weight and bias of theta, or of what lies like it, flat and in order: they are popped from the end."""
    return list(theta.split(sizes(chain)))


def push(
    chain: Plain, x: Tensor, tangents: list[Tensor], *, curved: bool
) -> tuple[Tensor, Tensor, list[Tensor | None]]:
    """The outputs, their tangents, (c, n), and the tangent that enters every layer, where curvature wants it.

    Of a linear layer behind an elementwise one it is None, to be made again on the way back, as the slope is: a product
    of entries is cheaper than the memory of an activation.
    """
    a, z, entering, parts = x.t().contiguous(), None, [], iter(tangents)
    for before, one in zip((None, *chain), chain, strict=False):
        again = isinstance(before, Bend) and isinstance(one, Affine)
        entering.append(z if curved and not again else None)
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
            if z is not None and curved:
                z = leaving(one, z)
                one.layer.forget()
            elif z is not None:
                z.mul_(one.layer.slope)
    assert z is not None
    return a, z, entering


def leaving(one: Affine | Bend, z: Tensor | None) -> Tensor:
    """The tangent behind an elementwise layer: `s' z`."""
    assert isinstance(one, Bend)
    assert z is not None
    return z * one.layer.slope
