"""Pair: a function R^d -> R^c for the reference, and other ways of computing it in a framework."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from xcheck import Case, Normal
from xcheck._reference import Leaf, Reference, floored
from xcheck.arrays import Descriptor
from xcheck.exact.certify import certify
from xcheck.quantities import load_quantities
from xcheck.quantity import QUANTITIES

Way = Callable[[Any], Any]
#: How a derivative is composed, from the outermost inwards; "" is the value. "autograd" is a row at a time.
MODES = ("", "R", "F", "FR", "RR")
SMOOTH = ("value", "jacobian_inputs", "hessian_inputs")


@dataclass(frozen=True)
class Pair:
    """`program(xp, x)` of x (d,) in exact arithmetic; `torch` and `jax` hold functions of a vector x by their names.

    The ways in `normwise` are stable in the norm alone: they mix all entries with weights of one size.
    """

    name: str
    program: Callable[[Any, Any], Any]
    x: Descriptor
    torch: Mapping[str, Way] = field(default_factory=dict)
    jax: Mapping[str, Way] = field(default_factory=dict)
    quantities: tuple[str, ...] = SMOOTH
    normwise: tuple[str, ...] = ()
    modes: tuple[str, ...] = MODES

    @cached_property
    def case(self) -> Case:
        def program(xp: Any, params: Any, inputs: Any) -> Any:
            return xp.reshape(xp.asarray(self.program(xp, inputs["x"][0])), (1, -1))

        return Case(name=self.name, program=program, params={}, inputs={"x": self.x})

    @cached_property
    def data(self) -> np.ndarray:
        return self.case.values().inputs["x"][0]

    @cached_property
    def _certified(self) -> Mapping[str, Any]:
        load_quantities()
        return certify(self.case, [QUANTITIES[name] for name in self.quantities])

    def reference(self, quantity: str, dtype: str) -> Reference:
        leaves = {
            path: Leaf(c.value, c.low, c.radius, floored(c.scale, c.value, dtype))
            for path, c in self._certified[quantity].items()
        }
        return Reference(self.name, quantity, dtype, leaves, float("inf"))


def normal(d: int, seed: int = 1) -> Descriptor:
    """d numbers of N(0, 1) that float32 holds."""
    return Normal((1, d), seed)
