"""Trace: what a program computes, written down operation by operation; a comment or a new name changes nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from xcheck._errors import UnknownPrimitive
from xcheck.case import Case
from xcheck.exact.algebra import Choice, Shape
from xcheck.exact.evaluate import Evaluation, is_integer
from xcheck.exact.monte_carlo import MonteCarlo
from xcheck.exact.namespace import Array, Namespace
from xcheck.program import Program, chain, own


@dataclass(frozen=True, eq=False)
class Traced:
    """A plain float array and the number of the line that made it; equal numbers made apart stay apart."""

    floats: np.ndarray
    number: int

    @property
    def shape(self) -> Shape:
        return self.floats.shape


class Trace:
    """The algebra of plain floats, which writes down every operation, its operands and its literals."""

    def __init__(self) -> None:
        self._algebra = MonteCarlo(noise=0.0)
        self._hash = hashlib.sha256()
        self._lines = 0

    def __getattr__(self, operation: str) -> Any:
        function = getattr(self._algebra, operation)
        if not callable(function):
            return function

        def traced(*operands: Any) -> Any:
            result = function(*map(_floats, operands))
            self.write(f"{operation}({', '.join(map(word, operands))})")
            # Signs and nearby floats are NumPy's and decide what comes next, which is written down in its turn.
            return result if operation in ("sign", "floats", "agree") else self._numbered(result)

        return traced

    def write(self, line: str) -> None:
        self._hash.update(f"{self._lines} {line}\n".encode())
        self._lines += 1

    def _numbered(self, floats: Any) -> Traced:
        return Traced(np.asarray(floats), self._lines - 1)

    def data(self, role: str, values: np.ndarray) -> Any:
        """An array of the case under its name; integers stay NumPy's, as in every algebra."""
        self.write(f"{role} = {word(values)}")
        return values if is_integer(values) else self._numbered(values)

    def digest(self) -> str:
        return self._hash.hexdigest()


def word(operand: Any) -> str:
    """An operand in letters that say everything: equal words are equal operands.

    Raises:
        UnknownPrimitive: it is of a type whose meaning is not known here.

    >>> word((slice(1, None), Fraction(1, 3), True, 1)), word(np.array(1)) == word(np.array(1.0))
    ('(slice(1, None, None), 1/3, True, 1)', False)
    """
    match operand:
        case Traced(number=number):
            return f"%{number}"
        case np.ndarray() | np.generic() if operand.dtype.kind in "iubf":
            array = np.asarray(operand)
            return f"{array.dtype.str}{array.shape}{hashlib.sha256(array.tobytes()).hexdigest()}"
        case tuple() | list():
            return f"({', '.join(map(word, operand))})"
        case slice(start=start, stop=stop, step=step):
            return f"slice({word(start)}, {word(stop)}, {word(step)})"
        case Fraction():
            return str(operand)
        case float():
            return operand.hex()
        case None | bool() | int() | str():
            return repr(operand)
        case _ if operand is Ellipsis:
            return "..."
    raise UnknownPrimitive(f"an operand of type {type(operand).__name__} has no place in a program")


def _floats(operand: Any) -> Any:
    if isinstance(operand, Traced):
        return operand.floats
    return type(operand)(map(_floats, operand)) if isinstance(operand, (tuple, list)) else operand


class Marked(Namespace):
    """The namespace of a trace: a kink's kind never reaches the algebra, and says whose convention holds there."""

    def branch(self, kind: str, sign: Any, a: Any, b: Any) -> Array:
        self.alg.write(f"kink {kind}")
        return super().branch(kind, sign, a, b)

    def _largest(self, rows: Array, kind: str, of: Choice) -> Array:
        self.alg.write(f"largest {kind}")
        return super()._largest(rows, kind, of)


class Recording(Evaluation):
    """An evaluation in a marked namespace."""

    namespace = Marked


@dataclass(frozen=True)
class Layers:
    """A program, layer by layer: the same operations, and between them where each layer begins."""

    program: Program

    def __call__(self, xp: Any, params: Mapping[str, Any], inputs: Mapping[str, Any]) -> Any:
        output: Any = None
        for prefix, layer in chain(self.program):
            xp.alg.write(f"layer {prefix!r} {type(layer).__name__}")
            output = layer(xp, own(params, prefix), inputs)
            inputs = {"x": output}
        return output


@np.errstate(all="ignore")  # what a branch leaves out may be infinite
def program_digest(case: Case, dtype: str) -> str:
    """One digest for the program, its layers, the loss, all names in their order, and every byte of their data.

    >>> import xcheck
    >>> cases = xcheck.load_cases()
    >>> program_digest(cases["tanh_mlp"], "float64") == program_digest(cases["tanh_mlp_trained"], "float64")
    False
    """
    evaluation, trace = Recording(replace(case, program=Layers(case.program)), dtype), Trace()
    params = {name: trace.data(f"parameter {name!r}", a) for name, a in evaluation.values.params.items()}
    inputs = {name: trace.data(f"input {name!r}", a) for name, a in evaluation.values.inputs.items()}
    if evaluation.values.targets is not None:
        trace.data("targets", evaluation.values.targets)
    outputs, aux = evaluation.run(trace, params, inputs)
    for role, found in (("output", outputs), ("aux", aux)):
        for name, value in found.items():
            trace.write(f"{role} {name!r} {value.shape} = {word(value)}")
    if case.loss is not None and len(outputs) == 1:
        (output,) = outputs.values()
        trace.write(f"losses {word(evaluation.losses(trace, output))}, divided by {case.loss.divisor(output.shape)}")
        trace.write(f"loss {word(evaluation.loss(trace, output))}")
    return trace.digest()
