"""The Kronecker factors of the GGN of each linear layer, with the exact expectation (KFLR): A and B of every layer.

The layers are those of the program's (nested) Sequential, each linear one used once, on vectors, with a bias. With the
input a (i,) and the output z (o,) of a layer for each example, and `H_n = r d^2 l_n / d f^2`,

    A = 1/n sum_n (a, 1) (a, 1)^T,    B = sum_n (d f_n / d z)^T H_n (d f_n / d z).

B times A (Kronecker) approximates the layer's GGN block, and is it for one example; the factors themselves are exact,
and named "0.A" and "0.B" for a layer "0". Martens and Grosse 2015, Optimizing Neural Networks with Kronecker-factored
Approximate Curvature; Botev, Ritter and Barber 2017, Practical Gauss-Newton Optimisation for Deep Learning (KFLR).
"""

from __future__ import annotations

from collections.abc import Callable

from xcheck.program import Linear, chain
from xcheck.quantities._native import Array, Problem, in_both
from xcheck.quantities.ggn import ggn_product, output_hessians
from xcheck.quantities.ggn_blocks import jacobians as ggn_blocks
from xcheck.quantities.ggn_diagonal_backprop import Part, parts
from xcheck.quantities.hessian_blocks import columns
from xcheck.quantity import Quantity

KFAC_FACTORS = Quantity(
    name="kfac_factors",
    formula="A = 1/n sum_n (a, 1) (a, 1)^T, B = sum_n (d f_n / d z)^T H_n (d f_n / d z) of each linear layer z(a)",
    shape="k k",
    wrt="params",
    order=1,
    reference=lambda exact: exact.kfac_factors(),
    guard=lambda probe, claimed: probe.kfac_factors(claimed),
    flops=lambda s: 2 * s.forward,
    bytes=lambda s: s.itemsize * s.p,
    needs_loss=True,
)


def linear(problem: Problem) -> list[Part]:
    """The linear layers, with what reaches them."""
    wanted = [prefix for prefix, layer in chain(problem.case.program) if isinstance(layer, Linear)]
    return [part for part in parts(problem) if part.prefix in wanted]


def input_moments(problem: Problem, part: Part) -> Array:
    """`A` of a layer."""
    xp = problem.xp
    (a,) = part.x.values() if isinstance(part.x, dict) else (part.x,)
    rows = xp.concat([a, xp.ones_like(a[:, :1])], axis=1)
    return xp.permute_dims(rows, (1, 0)) @ rows / a.shape[0]


def factors(problem: Problem, B: Callable[[str], Array]) -> dict[str, Array]:
    """A and B of all layers; B by the name of the layer's bias."""
    layers = linear(problem)
    A = {f"{part.prefix}A": input_moments(problem, part) for part in layers}
    return A | {f"{part.prefix}B": B(f"{part.prefix}bias") for part in layers}


@in_both("kfac_factors", "blocks", needs=("examples",), tier="smoke")
def blocks(problem: Problem) -> dict[str, Array]:
    """`B` as the GGN block of the layer's bias, which moves z as it is."""
    return factors(problem, ggn_blocks(problem).__getitem__)


@in_both("kfac_factors", "products")
def products(problem: Problem) -> dict[str, Array]:
    """`B` as the rows of `G e_i` for the entries i of the bias."""
    over, identity, where = problem.transforms.vmap, problem.identity(problem.theta.shape[0]), columns(problem)
    return factors(problem, lambda bias: over(ggn_product(problem))(identity[where[bias]])[:, where[bias]])


@in_both("kfac_factors", "backward", needs=("examples",))
def backward(problem: Problem) -> dict[str, Array]:
    """`M_(l-1) = J_l^T M_l J_l` of every example, from `M_L = H_n` to the first layer; `B` is their sum."""
    xp, transforms, layers, found = problem.xp, problem.transforms, list(parts(problem)), {}
    M = output_hessians(problem, layers[-1].f(layers[-1].params, layers[-1].x))
    for part in reversed(layers):
        found[f"{part.prefix}bias"] = xp.sum(M, axis=0)
        if part is not layers[0]:

            def one(a: Array, part: Part = part) -> Array:
                return xp.reshape(part.f(part.params, a[None]), (-1,))

            J = transforms.vmap(transforms.jacrev(one))(part.x)
            J = xp.reshape(J, (*J.shape[:2], -1))
            M = xp.matmul(xp.permute_dims(J, (0, 2, 1)), xp.matmul(M, J))
    return factors(problem, found.__getitem__)
