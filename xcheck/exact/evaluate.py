"""Evaluation: the program and the loss of a case in any algebra."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from xcheck._errors import CaseError, NoReference
from xcheck.case import Case
from xcheck.exact.namespace import Array, Namespace
from xcheck.program import split_aux

Value = Any
Outputs = dict[str, Value]


def is_integer(value: Value) -> bool:
    """Tokens and labels stay NumPy integers in every algebra."""
    return isinstance(value, np.ndarray) and value.dtype.kind in "iub"


class Evaluation:
    """A case with its values at one dtype."""

    def __init__(self, case: Case, dtype: str = "float64") -> None:
        self.case = case
        self.dtype = dtype
        self.values = case.values(dtype)

    def constants(self, alg: Any, arrays: Mapping[str, np.ndarray]) -> dict[str, Value]:
        return {name: a if is_integer(a) else alg.constant(a) for name, a in arrays.items()}

    def run(self, alg: Any, params: Mapping[str, Value], inputs: Mapping[str, Value]) -> tuple[Outputs, Outputs]:
        """The outputs and the aux as values of `alg`, each output of shape (n, ...)."""
        xp = Namespace(alg)

        def wrapped(values: Mapping[str, Value]) -> dict[str, Any]:
            return {name: v if is_integer(v) else Array(xp, v) for name, v in values.items()}

        outputs, aux = split_aux(self.case.program(xp, wrapped(params), wrapped(inputs)))
        for name, array in outputs.items():
            if not isinstance(array, Array):
                raise CaseError(
                    f"case {self.case.name}: output {name!r} is a {type(array).__name__}; "
                    "a program returns arrays of xp, a dict of them, or (outputs, aux)"
                )
        return {k: v.value for k, v in outputs.items()}, {k: xp.asarray(v).value for k, v in aux.items()}

    def loss(self, alg: Any, output: Value) -> Value:
        """The loss of one output."""
        if self.case.loss is None or self.values.targets is None:
            raise NoReference(f"case {self.case.name} has no loss")
        xp, targets = Namespace(alg), self.values.targets
        wrapped = targets if is_integer(targets) else Array(xp, alg.constant(targets))
        return self.case.loss(xp, Array(xp, output), wrapped).value

    def objective(self, alg: Any, params: Mapping[str, Value], inputs: Mapping[str, Value]) -> Value:
        """`L(theta)`: the loss of the only output."""
        outputs, _ = self.run(alg, params, inputs)
        if len(outputs) != 1:
            raise NoReference(f"case {self.case.name} has {len(outputs)} outputs; a loss needs one")
        return self.loss(alg, next(iter(outputs.values())))

    def split(self, theta: np.ndarray) -> dict[str, np.ndarray]:
        """A flat vector as one array a parameter, in canonical order; leading axes are kept."""
        parts, start = {}, 0
        for name, a in self.values.params.items():
            parts[name] = theta[..., start : start + a.size].reshape(*theta.shape[:-1], *a.shape)
            start += a.size
        return parts
