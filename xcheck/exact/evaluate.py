"""Evaluation: the program and the loss of a case in any algebra."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from xcheck._errors import CaseError, NoReference, XCheckError
from xcheck.case import Case
from xcheck.exact.arrays import boxed
from xcheck.exact.monte_carlo import MonteCarlo
from xcheck.exact.namespace import Array, IntegerArray, Namespace
from xcheck.program import Loss, split_aux

Value = Any
Outputs = dict[str, Value]


def is_integer(value: Value) -> bool:
    """Tokens and labels stay NumPy integers in every algebra."""
    return isinstance(value, np.ndarray) and value.dtype.kind in "iub"


@contextmanager
def named(where: str) -> Iterator[None]:
    """Says where it was that a program failed, in whatever way a user's code may fail.

    Raises:
        CaseError: the code raised what xcheck does not raise on purpose.
    """
    try:
        yield
    except CaseError as error:
        raise CaseError(f"{where}{error}") from error
    except XCheckError:
        raise
    except Exception as error:
        line = " ".join(str(error).split())
        raise CaseError(f"{where}the program raised {type(error).__name__}: {line}") from error


class Evaluation:
    """A case with its values at one dtype; a framework says whose convention holds where the case sits on kinks."""

    namespace: type[Namespace] = Namespace

    def __init__(self, case: Case, dtype: str = "float64", framework: str | None = None) -> None:
        self.case = case
        self.dtype = dtype
        self.framework = framework if case.kinks else None
        self.values = case.values(dtype)

    def constants(self, alg: Any, arrays: Mapping[str, np.ndarray]) -> dict[str, Value]:
        return {name: a if is_integer(a) else alg.constant(a) for name, a in arrays.items()}

    def run(self, alg: Any, params: Mapping[str, Value], inputs: Mapping[str, Value]) -> tuple[Outputs, Outputs]:
        """The outputs and the aux as values of `alg`, each output of shape (n, ...)."""
        xp = self.namespace(alg, self.framework)

        def wrapped(values: Mapping[str, Value]) -> dict[str, Any]:
            return {name: given(v) for name, v in values.items()}

        def given(value: Value) -> Array | IntegerArray:
            if is_integer(value):
                return IntegerArray(xp, value)
            return Array(xp, value if hasattr(value, "shape") else boxed(value))  # NumPy unwraps arrays of one entry

        with named(f"case {self.case.name}: "):
            outputs, aux = split_aux(self.case.program(xp, wrapped(params), wrapped(inputs)))
            self._check(outputs)
            return {k: v.value for k, v in outputs.items()}, {k: xp.real(v).value for k, v in aux.items()}

    def _check(self, outputs: Mapping[str, Any]) -> None:
        for name, output in outputs.items():
            if not isinstance(output, Array):
                raise CaseError(f"output {name!r} is a {type(output).__name__}, expected an array of reals of xp")
            if not output.shape or 0 in output.shape:
                raise CaseError(f"output {name!r} has shape {output.shape}, expected (n, ...) with entries")
        unused = sorted(set(self.case.tangents) - {"params", *self.case.inputs, *outputs})
        if unused:
            raise CaseError(f"tangents has {unused[0]!r}, which is neither params, nor an input, nor an output")

    def loss(self, alg: Any, output: Value) -> Value:
        """The loss of one output."""
        declared, wrapped, targets = self._loss_of(alg, output)
        with named(f"the loss of case {self.case.name}: "):
            return declared(wrapped.xp, wrapped, targets).value

    def losses(self, alg: Any, output: Value) -> Value:
        """`l_n` (n,) of one output, without the r of the loss."""
        declared, wrapped, targets = self._loss_of(alg, output)
        with named(f"the loss of case {self.case.name}: "):
            return declared.per_example(wrapped.xp, wrapped, targets).value

    def _loss_of(self, alg: Any, output: Value) -> tuple[Loss, Array, Array | IntegerArray]:
        if self.case.loss is None or self.values.targets is None:
            raise NoReference(f"case {self.case.name} has no loss")
        xp, targets = self.namespace(alg, self.framework), self.values.targets
        wrapped = IntegerArray(xp, targets) if is_integer(targets) else Array(xp, alg.constant(targets))
        return self.case.loss, Array(xp, output), wrapped

    def only_output(self, outputs: Outputs) -> Value:
        if len(outputs) != 1:
            raise NoReference(f"case {self.case.name} has {len(outputs)} outputs; a loss needs one")
        return next(iter(outputs.values()))

    def objective(self, alg: Any, params: Mapping[str, Value], inputs: Mapping[str, Value]) -> Value:
        """`L(theta)`: the loss of the only output."""
        return self.loss(alg, self.only_output(self.run(alg, params, inputs)[0]))

    @cached_property
    def weight(self) -> Fraction:
        """`r` in `L = r sum_n l_n`."""
        if self.case.loss is None:
            raise NoReference(f"case {self.case.name} has no loss")
        alg = MonteCarlo(noise=0.0)
        outputs, _ = self.run(alg, self.constants(alg, self.values.params), self.constants(alg, self.values.inputs))
        return Fraction(1, self.case.loss.divisor(self.only_output(outputs).shape))

    @property
    def along_params(self) -> bool:
        """Whether products and directional derivatives move the parameters, and not the arguments of `wrt`."""
        return self.case.wrt == "params" and bool(self.values.params)

    def tangents(self) -> dict[str, np.ndarray]:
        """What the case declares to move along, by array: its parameters, or else its arguments, all together."""
        if self.along_params:
            return self.split(self.vector_params())
        inputs = self.values.inputs
        return {name: self.case.vector(name, inputs[name].shape, self.dtype) for name in self.case.arguments}

    def vector_params(self) -> np.ndarray:
        """The tangent of the parameters, flat."""
        return self.case.vector("params", (self.case.p,), self.dtype)

    def columns(self) -> dict[str, slice]:
        """Where each parameter array lies in theta."""
        found, start = {}, 0
        for name, a in self.values.params.items():
            found[name] = slice(start, start + a.size)
            start += a.size
        return found

    def split(self, theta: np.ndarray) -> dict[str, np.ndarray]:
        """A flat vector as one array a parameter, in canonical order; leading axes are kept."""
        return {
            name: theta[..., columns].reshape((*theta.shape[:-1], *self.values.params[name].shape))
            for name, columns in self.columns().items()
        }
