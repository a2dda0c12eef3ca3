"""Tape: reverse mode over any algebra; over jets it gives Hessian rows, over plain balls the gradient."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from xcheck._errors import Undecidable
from xcheck.exact.algebra import Choice, Shape
from xcheck.exact.jets import KINK

Adjoint = Callable[[Any], Any]


class Node:
    """A value and how its cotangent flows to its parents; a constant has none."""

    __slots__ = ("parents", "position", "value")

    def __init__(self, value: Any, parents: tuple[tuple[Node, Adjoint], ...], position: int) -> None:
        self.value = value
        self.parents = parents
        self.position = position

    @property
    def shape(self) -> Shape:
        return self.value.shape


class Tape:
    """Records operations on nodes, and pulls a cotangent back through them."""

    opens_ties = False  # a node says whether it moves

    def __init__(self, base: Any) -> None:
        self.base = base
        self.nodes: list[Node] = []

    def variable(self, value: Any) -> Node:
        node = Node(value, (), len(self.nodes))
        self.nodes.append(node)
        return node

    def fixed(self, value: Any) -> Node:
        """A constant: it is not recorded, and no cotangent flows to it."""
        return Node(value, (), -1)

    def constant(self, values: np.ndarray) -> Node:
        return self.fixed(self.base.constant(values))

    def literal(self, number: float) -> Node:
        return self.fixed(self.base.literal(number))

    def ones_like(self, a: Node) -> Node:
        return self.fixed(self.base.ones_like(a.value))

    def _record(self, value: Any, *parents: tuple[Node, Adjoint]) -> Node:
        live = tuple((node, adjoint) for node, adjoint in parents if node.position >= 0)
        if not live:
            return self.fixed(value)
        node = Node(value, live, len(self.nodes))
        self.nodes.append(node)
        return node

    def pullback(self, output: Node, cotangent: Any, variables: Sequence[Node]) -> list[Any | None]:
        """The cotangents of the variables, for a cotangent of the output; None where nothing flows."""
        flowing: dict[int, Any] = {output.position: cotangent}
        for node in reversed(self.nodes[: output.position + 1]):
            if not node.parents or node.position not in flowing:
                continue
            incoming = flowing.pop(node.position)
            for parent, adjoint in node.parents:
                part = adjoint(incoming)
                known = flowing.get(parent.position)
                flowing[parent.position] = part if known is None else self.base.add(known, part)
        return [flowing.get(variable.position) for variable in variables]

    def add(self, a: Node, b: Node) -> Node:
        return self._record(self.base.add(a.value, b.value), (a, _same), (b, _same))

    def sub(self, a: Node, b: Node) -> Node:
        return self._record(self.base.sub(a.value, b.value), (a, _same), (b, self.base.neg))

    def neg(self, a: Node) -> Node:
        return self._record(self.base.neg(a.value), (a, self.base.neg))

    def scale(self, a: Node, factor: Fraction | int) -> Node:
        return self._record(self.base.scale(a.value, factor), (a, lambda g: self.base.scale(g, factor)))

    def mul(self, a: Node, b: Node) -> Node:
        base = self.base
        return self._record(
            base.mul(a.value, b.value), (a, lambda g: base.mul(g, b.value)), (b, lambda g: base.mul(a.value, g))
        )

    def matmul(self, a: Node, b: Node) -> Node:
        """`C = A B`: `dA = dC B^T` and `dB = A^T dC`, summed over the batch axes that were broadcast."""
        base = self.base

        def to_a(g: Any) -> Any:
            return self._unbroadcast(base.matmul(g, self._swap(b.value)), a.shape)

        def to_b(g: Any) -> Any:
            return self._unbroadcast(base.matmul(self._swap(a.value), g), b.shape)

        return self._record(base.matmul(a.value, b.value), (a, to_a), (b, to_b))

    def _swap(self, value: Any) -> Any:
        last = len(value.shape)
        return self.base.transpose(value, (*range(last - 2), last - 1, last - 2))

    def _unbroadcast(self, g: Any, shape: Shape) -> Any:
        extra = len(g.shape) - len(shape)
        axes = tuple(k for k, size in enumerate(g.shape) if k < extra or (size != 1 and shape[k - extra] == 1))
        return self.base.reshape(self.base.sum(g, axes), shape) if axes else g

    def unary(self, name: str, a: Node, derivative: int = 0) -> Node:
        base = self.base
        return self._record(
            base.unary(name, a.value, derivative),
            (a, lambda g: base.mul(g, base.unary(name, a.value, derivative + 1))),
        )

    def floats(self, a: Node) -> np.ndarray:
        return self.base.floats(a.value)

    def sign(self, a: Node) -> np.ndarray:
        return self.base.sign(a.value)

    def settle(self, weight: np.ndarray, of: Choice | None = None) -> np.ndarray:
        return self.base.settle(weight, of)

    def select(self, weight: np.ndarray, a: Node, b: Node) -> Node:
        """`w g` flows to a and `(1 - w) g` to b; where no convention decides (NaN), nothing may flow."""
        base, weight = self.base, self.settle(weight)
        open_ = np.isnan(weight)

        def share(g: Any, first: bool) -> Any:
            nothing = base.zeros(g.shape)
            if open_.any() and not base.agree(g, nothing, open_):
                raise Undecidable(KINK)
            return base.select(weight, g, nothing) if first else base.select(weight, nothing, g)

        value = base.select(weight, a.value, b.value)
        return self._record(value, (a, lambda g: share(g, True)), (b, lambda g: share(g, False)))

    def sum(self, a: Node, axes: tuple[int, ...]) -> Node:
        kept = tuple(1 if k in axes else size for k, size in enumerate(a.shape))
        base = self.base
        return self._record(base.sum(a.value, axes), (a, lambda g: base.broadcast(base.reshape(g, kept), a.shape)))

    def normwise(self, a: Node, axes: tuple[int, ...], growth: float) -> Node:
        """The cotangent of such an operand is made by an operation of the same kind."""
        base = self.base
        return self._record(base.normwise(a.value, axes, growth), (a, lambda g: base.normwise(g, axes, growth)))

    def reshape(self, a: Node, shape: Shape) -> Node:
        return self._record(self.base.reshape(a.value, shape), (a, lambda g: self.base.reshape(g, a.shape)))

    def transpose(self, a: Node, axes: tuple[int, ...]) -> Node:
        back = tuple(int(k) for k in np.argsort(axes))
        return self._record(self.base.transpose(a.value, axes), (a, lambda g: self.base.transpose(g, back)))

    def broadcast(self, a: Node, shape: Shape) -> Node:
        return self._record(self.base.broadcast(a.value, shape), (a, lambda g: self._unbroadcast(g, a.shape)))

    def index(self, a: Node, key: Any) -> Node:
        return self._record(self.base.index(a.value, key), (a, lambda g: self.base.scatter(g, key, a.shape)))

    def scatter(self, a: Node, key: Any, shape: Shape) -> Node:
        return self._record(self.base.scatter(a.value, key, shape), (a, lambda g: self.base.index(g, key)))

    def concat(self, parts: Sequence[Node], axis: int) -> Node:
        parents, start = [], 0
        for part in parts:
            window = (*[slice(None)] * axis, slice(start, start + part.shape[axis]))
            parents.append((part, lambda g, window=window: self.base.index(g, window)))
            start += part.shape[axis]
        return self._record(self.base.concat([part.value for part in parts], axis), *parents)


def _same(cotangent: Any) -> Any:
    return cotangent
