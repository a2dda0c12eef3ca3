"""A Convention applied: a library's numbers in our order and our scale, `ours = theirs / scale`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod

import numpy as np

from xcheck._scale import evaluate
from xcheck.case import Case
from xcheck.program import GaussianNLL
from xcheck.quantity import Quantity
from xcheck.result import ORDERS, Convention


def scale_names(case: Case, shape: tuple[int, ...] | None) -> dict[str, float]:
    """What scales are written in: n, p, c, noise_var, r and nll, where the case has them; `shape` is the outputs'.

    `loss = r * nll * (the negative log-likelihood with variance 1, summed over the examples)`.
    """
    found = {"n": float(case.n), "p": float(case.p)}
    if shape is not None:
        found |= {"c": float(prod(shape[1:]))} | ({"r": 1 / case.loss.divisor(shape)} if case.loss else {})
    if case.loss is not None:
        found["nll"] = case.loss.nll
    if isinstance(case.loss, GaussianNLL):
        found["noise_var"] = case.loss.noise_var
    return found


def parameter_order(case: Case, params: str, weight: str) -> np.ndarray:
    """The permutation with `ours = theirs[permutation]`, for another order of parameters and layout of weights.

    >>> import xcheck
    >>> parameter_order(xcheck.load_cases()["linear_gaussian"], "bias_first", "row").tolist()
    [1, 0]
    """
    start, blocks = 0, {}
    for name, values in case.values().params.items():
        block = np.arange(start, start + values.size).reshape(values.shape)
        blocks[name] = np.ravel(block, order="F" if weight == "column" else "C")
        start += values.size
    theirs = np.concatenate([np.zeros(0, int), *(blocks[name] for name in _ORDERS[params](list(blocks)))])
    return np.argsort(theirs)


def _sorted(names: list[str]) -> list[str]:
    return sorted(names, key=lambda name: name.split("."))


def _bias_first(names: list[str]) -> list[str]:
    """Layers in their order; what is called bias goes first in each."""
    layers = list(dict.fromkeys(name.rpartition(".")[0] for name in names))
    return sorted(names, key=lambda name: (layers.index(name.rpartition(".")[0]), not name.endswith("bias")))


_ORDERS: dict[str, Callable[[list[str]], list[str]]] = dict(zip(ORDERS, (list, _sorted, _bias_first), strict=True))


def to_our_axes(A: np.ndarray, axes: str) -> np.ndarray:
    """A Jacobian whose axes are `axes`, a permutation of "ncp", with its axes in our order; others as they are.

    >>> to_our_axes(np.zeros((2, 5, 3)), "cnp").shape
    (5, 2, 3)
    """
    return A.transpose([axes.index(letter) for letter in "ncp"]) if A.ndim == 3 else A


def to_our_numbers(
    A: np.ndarray, case: Case, quantity: Quantity, convention: Convention, names: Callable[[], Mapping[str, float]]
) -> np.ndarray:
    """Parameters in our order along every axis p, and the scale divided out."""
    if (convention.params, convention.weight) != ("torch", "row"):
        order = parameter_order(case, convention.params, convention.weight)
        for axis, letter in enumerate(quantity.shape.split()):
            A = np.take(A, order, axis=axis) if letter == "p" else A
    return A if convention.scale == "1" else A / evaluate(convention.scale, names())
