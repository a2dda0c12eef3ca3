"""Trace: what a program computes, as a digest of its operations; a comment or a new name changes nothing."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from xcheck.case import Case
from xcheck.exact.evaluate import Evaluation
from xcheck.exact.monte_carlo import MonteCarlo


class Trace:
    """Plain floats that write down every operation, its operands and its literals."""

    def __init__(self) -> None:
        self._floats = MonteCarlo(noise=0.0)
        self._seen: list[Any] = []  # kept alive, so that an id names one array
        self._names: dict[int, int] = {}
        self._hash = hashlib.sha256()

    def __getattr__(self, operation: str) -> Any:
        function = getattr(self._floats, operation)

        def traced(*operands: Any) -> Any:
            result = function(*operands)
            self._hash.update(f"{operation}({', '.join(map(self._word, operands))})\n".encode())
            if isinstance(result, np.ndarray):
                self._name(result)
            return result

        return traced

    def _name(self, array: np.ndarray) -> int:
        self._seen.append(array)
        return self._names.setdefault(id(array), len(self._names))

    def _word(self, operand: Any) -> str:
        if isinstance(operand, np.ndarray) and operand.dtype.kind == "f":
            known = self._names.get(id(operand))
            return f"%{known}" if known is not None else f"data{operand.shape}{_bytes(operand)}"
        if isinstance(operand, np.ndarray):
            return f"{operand.dtype}{operand.shape}{_bytes(operand)}"
        if isinstance(operand, (tuple, list)):
            return f"[{', '.join(map(self._word, operand))}]"
        return repr(operand)

    def digest(self) -> str:
        return self._hash.hexdigest()


def _bytes(array: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()[:16]


def program_digest(case: Case, dtype: str) -> str:
    """One digest for the program, the loss and every byte of their data.

    >>> import xcheck
    >>> cases = xcheck.load_cases()
    >>> program_digest(cases["tanh_mlp"], "float64") == program_digest(cases["tanh_mlp_trained"], "float64")
    False
    """
    evaluation, trace = Evaluation(case, dtype), Trace()
    params = evaluation.constants(trace, evaluation.values.params)
    inputs = evaluation.constants(trace, evaluation.values.inputs)
    outputs, aux = evaluation.run(trace, params, inputs)
    for name, value in (outputs | aux).items():
        trace.reshape(value, (-1,))
        trace._hash.update(f"{name}\n".encode())
    if case.loss is not None and len(outputs) == 1:
        evaluation.loss(trace, next(iter(outputs.values())))
    return trace.digest()
