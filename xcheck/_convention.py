"""A Convention applied: a library's numbers in our order and our scale, `ours = theirs / scale`."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from math import prod
from typing import Any

import numpy as np

from xcheck._errors import UsageError
from xcheck.case import Case
from xcheck.program import GaussianNLL
from xcheck.quantity import Quantity
from xcheck.result import Convention

_OPERATIONS: dict[type, Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.USub: operator.neg,
}


def evaluate(scale: str, names: Mapping[str, float]) -> float:
    """A scale such as "2 / (n * c)": numbers, the names given, + - * / ** and parentheses, and nothing else.

    Raises:
        UsageError: it holds anything else, or is 0 or not finite.

    >>> evaluate("2 / (n * c)", {"n": 4, "c": 1})
    0.5
    """

    def walk(node: ast.expr) -> float:
        match node:
            case ast.Constant(value=int() | float() as value):
                return value
            case ast.Name(id=name) if name in names:
                return names[name]
            case ast.BinOp(left, op, right) if type(op) in _OPERATIONS:
                return _OPERATIONS[type(op)](walk(left), walk(right))
            case ast.UnaryOp(op, operand) if type(op) in _OPERATIONS:
                return _OPERATIONS[type(op)](walk(operand))
        raise UsageError(
            f"convention scale {scale!r}: {ast.unparse(node)!r} is not one of {', '.join(names)}, numbers, + - * / **"
        )

    try:
        value = float(walk(ast.parse(scale, mode="eval").body))
    except (SyntaxError, ArithmeticError, TypeError) as error:
        raise UsageError(f"convention scale {scale!r} cannot be evaluated: {error}") from None
    if not np.isfinite(value) or value == 0:
        raise UsageError(f"convention scale {scale!r} is {value}; it must be a finite number other than 0")
    return value


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

    Raises:
        UsageError: a word that is none of "torch", "sorted", "bias_first" or "row", "column".
    """
    if params not in _ORDERS or weight not in ("row", "column"):
        raise UsageError(
            f"convention params={params!r}, weight={weight!r}: params is one of {', '.join(_ORDERS)}, "
            "weight is row or column"
        )
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


_ORDERS: dict[str, Callable[[list[str]], list[str]]] = {"torch": list, "sorted": _sorted, "bias_first": _bias_first}


def to_our_axes(A: np.ndarray, axes: str) -> np.ndarray:
    """A Jacobian whose axes are `axes`, a permutation of "ncp", with its axes in our order; others as they are.

    >>> to_our_axes(np.zeros((2, 5, 3)), "cnp").shape
    (5, 2, 3)
    """
    if sorted(axes) != sorted("ncp"):
        raise UsageError(f"convention axes={axes!r} is no permutation of 'ncp'")
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
