"""The guard: before anything of a user's case is called certified, a framework has evaluated the case too.

The exact arithmetic reads a program by running it, and a program may hold Python that it misreads. Its exact value is
therefore judged against the value that PyTorch, or JAX, computes of the same text. Where none agrees the reading is at
fault, or the program is (it is not pure, say): there is no reference then, and nobody is blamed.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from xcheck import _reference
from xcheck._dtypes import UNIT
from xcheck._errors import NoReference, Undecidable, UnknownPrimitive
from xcheck._judge import LIMIT, distance
from xcheck._lazy import installed
from xcheck._load import load_cases
from xcheck._reference import Leaf, Reference, find_case, floored
from xcheck.case import Case
from xcheck.exact.certify import certify, margin
from xcheck.exact.derivatives import Derivatives
from xcheck.exact.derivatives.seeded import bare
from xcheck.exact.probe import Probe
from xcheck.program import split_aux
from xcheck.quantity import FRAMEWORKS, Quantity


def reference(
    case: Case | str, quantity: Quantity | str, *, dtype: str = "float64", framework: str | None = None
) -> Reference:
    """The certified reference: a shipped one, one of the user's cache, or one that is made now and cached.

    `|value + low - truth| <= radius`, elementwise; `scale` is S with its floors for `dtype`. The arrays are read-only.

    Where the case says `kinks=True` the derivatives are those of the framework's convention, and `status` says so. A
    case of the user's is first evaluated by a framework that is installed, once, and compared; where none is installed
    the status is "unguarded".

    Raises:
        NoReference: float32 cannot hold the case's data, the case sits on a kink and no framework is named, it has
            operations without a rule, or every framework computes another value than the exact arithmetic.
        UsageError: an unknown case, quantity or dtype.

    >>> import xcheck
    >>> xcheck.reference("linear_gaussian", "ggn").value.shape
    (2, 2)
    """
    case = find_case(case)
    guarded = guard(case)
    found = _reference.reference(case, quantity, dtype=dtype, framework=framework)
    return found if guarded or found.status != "certified" else replace(found, status="unguarded")


def guard(case: Case) -> bool:
    """Whether a framework agrees on what the case computes; False where none is installed. Shipped cases are tested.

    Raises:
        NoReference: no framework agrees; the message shows where and by how much.
    """
    if load_cases().get(case.name) is case:
        return True
    faults = []
    # What is imported already costs nothing; the other is asked only where that one does not agree.
    for framework in sorted(filter(installed, FRAMEWORKS), key=lambda name: name not in sys.modules):
        fault = disagreement(case, framework)
        if fault is None:
            return True
        faults.append(fault)
    if faults:
        raise NoReference(f"case {case.name}: xcheck does not read the program as it is run: {'; '.join(faults)}")
    return False


@lru_cache(maxsize=256)
def disagreement(case: Case, framework: str) -> str | None:
    """How the framework's own float64 evaluation of the case differs from the exact one, in one line."""
    try:
        found = native(case, framework)
    except (Exception, SystemExit, GeneratorExit) as error:  # the program is the user's, and may raise anything
        return f"{framework} raises {type(error).__name__} on it: {' '.join(str(error).split())[:200]}"
    exact = primal(case)
    if set(found) != set(exact):
        return f"{framework} returns {', '.join(sorted(found))}, the exact arithmetic {', '.join(sorted(exact))}"
    for path, leaf in exact.items():
        A, R = found[path], leaf.value
        if A.shape != R.shape:
            return f"{path} has shape {A.shape} in {framework}, {R.shape} in exact arithmetic"
        apart = distance(A, leaf, "float64")
        if not apart.agrees:
            at = apart.index
            return f"{path}{list(at)} is {float(A[at])!r} in {framework}, {float(R[at])!r} in exact arithmetic"
    return None


def native(case: Case, framework: str) -> dict[str, np.ndarray]:
    """Outputs, aux and loss as the framework computes them, operation by operation."""
    adapter = importlib.import_module(f"xcheck.frameworks.{framework}")

    def arrays(values: Mapping[str, np.ndarray]) -> dict[str, Any]:
        return {name: adapter.asarray(a, "float64") for name, a in values.items()}

    values = case.values()
    with adapter.precision("float64"):
        params, inputs = arrays(values.params), arrays(values.inputs)
        if framework in case.native:
            outputs, aux = split_aux(case.native[framework](params, *inputs.values()))
        else:
            outputs, aux = split_aux(case.program(adapter.xp, params, inputs))
        found = bare(outputs) | {f"aux/{name}": value for name, value in aux.items()}
        if case.loss is not None and len(outputs) == 1:
            (output,) = outputs.values()
            found["loss"] = case.loss(adapter.xp, output, adapter.asarray(values.targets, "float64"))
        return {path: np.asarray(adapter.to_numpy(value), dtype=np.float64) for path, value in found.items()}


@dataclass(frozen=True)
class Primal:
    """What a case computes before anything is differentiated, as a rule for `certify`."""

    name: str = "primal"
    wrt: str = "none"
    order: int = 0
    needs_loss: bool = False

    def reference(self, exact: Derivatives) -> dict[str, Any]:
        loss = {}
        if exact.case.loss is not None and len(exact.value()) == 1:
            loss = {"loss": exact.objective(exact.alg, exact.params, exact.inputs)}
        return {**exact.value(), **exact.aux(), **loss}

    def guard(self, probe: Probe, claimed: Mapping[str, Any]) -> Iterator[Any]:
        return iter(())  # a framework's own evaluation is what these are held against


@lru_cache(maxsize=256)
def primal(case: Case) -> dict[str, Leaf]:
    """Outputs, aux and loss in balls, with their rounding scales; a branch that float64 may flip leaves nothing.

    Raises:
        NoReference: the exact arithmetic cannot evaluate the program.
    """
    try:
        if margin(case) <= LIMIT * UNIT["float64"]:
            return {}
        leaves = certify(case, [Primal()])["primal"]
    except (Undecidable, UnknownPrimitive) as error:
        raise NoReference(f"case {case.name} has no exact value: {error}") from None
    return {path: Leaf(c.value, c.low, c.radius, floored(c.scale, c.value, "float64")) for path, c in leaves.items()}
