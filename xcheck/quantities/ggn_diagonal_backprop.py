"""The GGN diagonal by propagating nothing but a diagonal: an approximation, and a quantity of its own.

The layers are those of the program's (nested) Sequential, `x_l = f_l(x_(l-1), theta_l)`; another program, a residual
block too, is one layer. With the Jacobians `J_l = d x_l / d x_(l-1)` and `P_l = d x_l / d theta_l` of each example,

    m_L[o] = (H_n)[o, o],    m_(l-1)[i] = sum_o J_l[o, i]^2 m_l[o],    D[p] = sum_n sum_o P_l[o, p]^2 m_l[o].

Every layer drops the off-diagonal that it makes, so D is `diag G` for one layer, and for two linear layers with an
elementwise one between them where H_n is diagonal. Becker and LeCun 1989, Improving the Convergence of
Back-Propagation Learning with Second Order Methods; nnj calls it `diag_backprop`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import prod
from typing import Any

from xcheck.program import chain, own
from xcheck.quantities._native import CHUNK, Array, Problem, in_both
from xcheck.quantities.ggn import output_hessians
from xcheck.quantity import Quantity

GGN_DIAGONAL_BACKPROP = Quantity(
    name="ggn_diagonal_backprop",
    formula="D[p] = sum_n sum_o P_l[o, p]^2 m_l[o], m_(l-1)[i] = sum_o J_l[o, i]^2 m_l[o], m_L = diag H_n",
    shape="p",
    wrt="params",
    order=1,
    reference=lambda exact: {"": exact.ggn_diagonal_backprop()},
    guard=lambda probe, claimed: probe.ggn_diagonal_backprop(claimed[""]),
    flops=lambda s: s.forward,
    bytes=lambda s: 2 * s.itemsize * s.p,
    needs_loss=True,
)


@dataclass(frozen=True)
class Part:
    """One layer, `f(params, x) -> (n, *out)`, at the values that reach it; the first x is the dict of the inputs."""

    prefix: str
    f: Callable[[dict[str, Array], Any], Array]
    params: dict[str, Array]
    x: Any

    def moved(self, name: str | None, a: Array, x: Any) -> Array:
        """The layer with `a` in the place of the parameter of that name, or of its input."""
        return self.f(self.params, a) if name is None else self.f({**self.params, name: a}, x)


#: Of a parameter `name`: `sum_n sum_o P[o, p]^2 m[o]`, in its shape; of None: `sum_o J[o, i]^2 m[o]`, in that of x.
Squares = Callable[[Any, Part, Array, str | None], Array]


def parts(problem: Problem) -> Iterator[Part]:
    """The layers from input to output."""
    x: Any = dict(zip(problem.case.inputs, problem.inputs, strict=True))
    for prefix, layer in chain(problem.case.program):

        def f(params: dict[str, Array], x: Any, layer: Any = layer) -> Array:
            return layer(problem.xp, params, x if isinstance(x, dict) else {"x": x})

        part = Part(prefix, f, own(problem.params, prefix), x)
        yield part
        x = f(part.params, x)


def backward(problem: Problem, squares: Squares) -> Array:
    """`D`, from the last layer to the first; m has the shape of the layer's output."""
    xp, layers, found = problem.xp, list(parts(problem)), {}
    output = layers[-1].f(layers[-1].params, layers[-1].x)
    m = xp.reshape(xp.linalg.diagonal(output_hessians(problem, output)), output.shape)
    for part in reversed(layers):
        found |= {part.prefix + name: squares(problem, part, m, name) for name in part.params}
        if part is not layers[0]:
            m = squares(problem, part, m, None)
    return problem.flatten(found)


def by_examples(transform: str) -> Squares:
    """From the whole Jacobian of each example."""

    def squares(problem: Problem, part: Part, m: Array, name: str | None) -> Array:
        xp = problem.xp

        def one(a: Array, x: Any, m: Array) -> Array:
            single = {key: value[None] for key, value in x.items()} if isinstance(x, dict) else x[None]
            f = lambda a: part.moved(name, a[None] if name is None else a, single)[0]  # noqa: E731
            J = xp.reshape(getattr(problem.transforms, transform)(f)(a), (prod(m.shape), -1))
            return xp.reshape(xp.reshape(m, (1, -1)) @ (J * J), a.shape)

        if name is None:
            return problem.transforms.vmap(one)(part.x, part.x, m)
        return xp.sum(problem.transforms.vmap(one, (None, 0, 0))(part.params[name], part.x, m), axis=0)

    return squares


@in_both("ggn_diagonal_backprop", "jacrev", needs=("examples",), tier="smoke")
def jacrev(problem: Problem) -> Array:
    """Every layer's Jacobian of each example, by rows."""
    return backward(problem, by_examples("jacrev"))


@in_both("ggn_diagonal_backprop", "jacfwd", needs=("examples",))
def jacfwd(problem: Problem) -> Array:
    """Every layer's Jacobian of each example, by columns."""
    return backward(problem, by_examples("jacfwd"))


@in_both("ggn_diagonal_backprop", "tangents")
def tangents(problem: Problem) -> Array:
    """Every layer along unit directions of a parameter, or of the inputs of all examples at once."""
    return backward(problem, along_units)


def along_units(problem: Problem, part: Part, m: Array, name: str | None) -> Array:
    """The column of one direction after another, squared and summed at once."""
    xp, a = problem.xp, part.x if name is None else part.params[name]
    shape = a.shape[1:] if name is None else a.shape

    def column(unit: Array) -> Array:
        direction = xp.broadcast_to(xp.reshape(unit, shape), a.shape)
        slope = problem.transforms.jvp(lambda a: part.moved(name, a, part.x), (a,), (direction,))[1]
        return xp.sum(slope * slope * m, axis=tuple(range(1 if name is None else 0, m.ndim)))

    columns = problem.chunked(column, CHUNK)(problem.identity(prod(shape)))
    return xp.reshape(xp.permute_dims(columns, (1, 0)), a.shape) if name is None else xp.reshape(columns, shape)
