"""The cases of the benchmarks: those that are shipped, and networks of any size that a name describes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from itertools import pairwise
from math import prod
from pathlib import Path
from typing import Any

from xcheck._errors import UnknownName
from xcheck._load import load_cases
from xcheck._registry import unknown
from xcheck.arrays import Normal
from xcheck.bench.roof import ITEMSIZE
from xcheck.case import Case
from xcheck.program import AvgPool2d, Conv2d, Flatten, Linear, Sequential, Tanh, gaussian_nll, mse
from xcheck.quantity import Sizes

QUANTITIES = (
    "value", "gradient", "jacobian_params", "jacobian_inputs", "hessian_params", "hessian_diagonal", "hvp", "ggn",
    "ggn_diagonal", "ggn_diagonal_backprop", "ggnvp", "hessian_blocks", "per_example_gradients",
)  # fmt: skip


def mlp(name: str, widths: tuple[int, ...], n: int) -> Case:
    """Linear layers with tanh between them, MSE, n examples."""
    layers: list[Any] = []
    for d, c in pairwise(widths):
        layers += [Linear(d, c), Tanh()]
    net = Sequential(*layers[:-1])
    return Case(
        name=name, program=net, params=net.init(seed=1), inputs={"x": Normal((n, widths[0]), seed=2)},
        targets=Normal((n, widths[-1]), seed=3), loss=mse(), quantities=QUANTITIES, tier="full",
        doc=f"{'-'.join(map(str, widths))} tanh network, MSE, N = {n}",
    )  # fmt: skip


def linear(name: str, widths: tuple[int, ...], n: int) -> Case:
    """One linear layer with a Gaussian likelihood."""
    d, c = widths
    return Case(
        name=name, program=Linear(d, c), params=Linear(d, c).init(seed=1), inputs={"x": Normal((n, d), seed=2)},
        targets=Normal((n, c), seed=3), loss=gaussian_nll(1.0), quantities=QUANTITIES, tier="full",
        doc=f"{d} -> {c} linear model, Gaussian likelihood, N = {n}",
    )  # fmt: skip


def tanh_layer(name: str, widths: tuple[int, ...], n: int) -> Case:
    """`tanh(W x)`: the batched-Hessian notebook's function."""
    d, c = widths

    def program(xp: Any, params: Mapping[str, Any], inputs: Mapping[str, Any]) -> Any:
        return xp.tanh(xp.matmul(inputs["x"], xp.permute_dims(params["weight"], (1, 0))))

    return Case(
        name=name, program=program, params={"weight": Normal((c, d), seed=1, scale=d**-0.5)},
        inputs={"x": Normal((n, d), seed=2)}, quantities=("value", "jacobian_inputs", "hessian_inputs"), tier="full",
        doc=f"tanh(W x), {d} -> {c}, N = {n}",
    )  # fmt: skip


def conv(name: str, widths: tuple[int, ...], n: int) -> Case:
    """Channels by 3 x 3 convolutions with tanh on images of 8 x 8, average pooling, a linear layer; widths end in c."""
    *channels, c = widths
    layers: list[Any] = []
    for d, k in pairwise(channels):
        layers += [Conv2d(d, k, 3, padding=1), Tanh()]
    net = Sequential(*layers, AvgPool2d(4), Flatten(), Linear(4 * channels[-1], c))
    return Case(
        name=name, program=net, params=net.init(seed=1), inputs={"x": Normal((n, channels[0], 8, 8), seed=2)},
        targets=Normal((n, c), seed=3), loss=mse(), quantities=QUANTITIES, tier="full",
        doc=f"{'-'.join(map(str, channels))} channels by 3 x 3 convolutions, {c} outputs, MSE, N = {n}",
    )  # fmt: skip


FAMILIES: dict[str, Callable[[str, tuple[int, ...], int], Case]] = {
    "mlp": mlp,
    "linear": linear,
    "conv": conv,
    "tanh_layer": tanh_layer,
}
_NAME = re.compile(rf"({'|'.join(FAMILIES)})((?:_\d+)+)_n(\d+)")


@cache
def network(name: str, folder: Path | None = None) -> Case:
    """A shipped case, or the network that a name such as `mlp_64_256_256_10_n128` describes.

    Raises:
        UnknownName: it is neither.

    >>> network("mlp_64_256_256_10_n128").p
    85002
    """
    described = _NAME.fullmatch(name)
    if described:
        family, widths, n = described.groups()
        return FAMILIES[family](name, tuple(map(int, widths[1:].split("_"))), int(n))
    cases = load_cases(folder)
    if name not in cases:
        raise UnknownName(f"{unknown('case', name, cases)} A network is named like mlp_64_256_256_10_n128")
    return cases[name]


def sizes(case: Case, dtype: str) -> Sizes:
    """What the cost of a quantity at this case depends on."""
    d = sum(prod(case.values().inputs[name].shape[1:]) for name in case.arguments)
    outputs = prod(_output_shape(case)[1:])
    return Sizes(n=case.n, c=outputs, d=d, p=case.p, itemsize=ITEMSIZE[dtype])


@cache
def _output_shape(case: Case) -> tuple[int, ...]:
    """The shape of the output (of several: of all, side by side), from the program itself in plain float64."""
    from xcheck.exact.derivatives import Derivatives
    from xcheck.exact.monte_carlo import MonteCarlo

    outputs = Derivatives(case, MonteCarlo(noise=0.0)).value().values()
    return case.n, sum(prod(output.shape[1:]) for output in outputs)
