"""Case: one program, its parameters and inputs, its loss, and what may be asked of it; frozen, framework-free."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any
from zlib import crc32

import numpy as np

from xcheck._errors import CaseError
from xcheck._fields import check_batch, check_fields, check_values
from xcheck._stored import frozen
from xcheck.arrays import Descriptor, Normal, Rows, rounded
from xcheck.program import Loss, Program

Arrays = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Values:
    """The numbers of a case at one dtype: float64 arrays that the dtype holds exactly (targets may be integers)."""

    params: Arrays
    inputs: Arrays
    targets: np.ndarray | None


@dataclass(frozen=True, kw_only=True, eq=False)
class Case:
    """One program with everything that is needed to differentiate it.

    Args:
        name: `[a-z][a-z0-9_]*`, unique, stable over releases.
        program: `program(xp, params, inputs) -> output`, pure, written once against the array API namespace `xp`;
            an output is an array, a dict of arrays (several outputs) or a tuple `(outputs, aux)`.
        params: parameter names, in the order of `named_parameters()`, to descriptors.
        inputs: argument names to descriptors; the first axis of each is the batch, `n`.
        targets: what the loss compares the output with.
        loss: one of `xcheck.program.losses`.
        wrt: the argument names that the derivatives by inputs are for, or "params" for all of them.
        tangents: argument or output names to vectors of the products; drawn from N(0, 1) where not declared.
        quantities: names of what may be asked.
        native: programs of the frameworks' own, `{"torch": ..., "jax": ...}`, compared in value with `program`.
        sampled: quantities to the examples that have a reference, where one of all would be too large; whoever computes
            the quantity returns all, and is judged at these. For quantities per example that need no loss.
        kinks: whether the case sits on kinks on purpose (its references are then conventions).
        since: the release that brought it, so that an upgrade does not redden a foreign CI.
        doc: one line for the tables.

    Raises:
        CaseError: a field is of the wrong form; the message says what came and what was expected.
    """

    name: str
    program: Program
    params: Mapping[str, Descriptor]
    inputs: Mapping[str, Descriptor]
    targets: Descriptor | None = None
    loss: Loss | None = None
    wrt: str | tuple[str, ...] = "params"
    tangents: Mapping[str, Descriptor] = field(default_factory=dict)
    quantities: tuple[str, ...] = ()
    sampled: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    native: Mapping[str, Any] = field(default_factory=dict)
    kinks: bool = False
    since: str = "0.1"
    doc: str = ""
    tier: str = "standard"
    folder: Path | None = None

    def __post_init__(self) -> None:
        check_fields(self)

    @property
    def arguments(self) -> tuple[str, ...]:
        """The input arguments that derivatives by inputs are taken for; integer inputs (tokens) have none."""
        if self.wrt != "params":
            return (self.wrt,) if isinstance(self.wrt, str) else tuple(self.wrt)
        return tuple(name for name in self.inputs if self._declared.inputs[name].dtype.kind == "f")

    @cached_property
    def _declared(self) -> Values:
        def load(part: str, name: str, descriptor: Descriptor) -> np.ndarray:
            return frozen(check_values(self.name, part, name, descriptor.load(self.folder)))

        params = {name: load("params", name, d) for name, d in self.params.items()}
        inputs = {name: load("inputs", name, d) for name, d in self.inputs.items()}
        targets = None if self.targets is None else load("targets", "targets", self.targets)
        check_batch(self, inputs, targets)
        return Values(MappingProxyType(params), MappingProxyType(inputs), targets)

    def values(self, dtype: str = "float64") -> Values:
        """The arrays as `dtype` holds them; bfloat16 rounds them and so has references of its own."""
        declared = self._declared
        if dtype != "bfloat16":
            return declared
        return Values(
            MappingProxyType({name: frozen(rounded(a, dtype)) for name, a in declared.params.items()}),
            MappingProxyType({name: frozen(rounded(a, dtype)) for name, a in declared.inputs.items()}),
            None if declared.targets is None else frozen(rounded(declared.targets, dtype)),
        )

    def vector(self, name: str, shape: tuple[int, ...], dtype: str = "float64") -> np.ndarray:
        """The tangent (or cotangent) called `name`, drawn from N(0, 1) with a seed of its own unless declared."""
        values = rounded(self.vector_descriptor(name, shape).load(self.folder), dtype)
        if values.shape != shape:
            raise CaseError(f"case {self.name}: the tangent {name!r} has shape {values.shape}, expected {shape}")
        return values

    def vector_descriptor(self, name: str, shape: tuple[int, ...]) -> Descriptor:
        return self.tangents.get(name, Normal(shape, seed=crc32(name.encode())))

    @cached_property
    def holds_in_float32(self) -> bool:
        """Whether float32 holds every number of the case; if not, only float64 has a reference."""
        declared = self._declared
        arrays = [
            *declared.params.values(),
            *declared.inputs.values(),
            *([] if declared.targets is None else [declared.targets]),
        ]
        return all(np.array_equal(a, rounded(a, "float32")) for a in arrays)

    @property
    def n(self) -> int:
        """The number of examples."""
        return int(next(iter(self._declared.inputs.values())).shape[0])

    @property
    def p(self) -> int:
        """The number of parameters."""
        return sum(int(a.size) for a in self._declared.params.values())

    def part(self, quantity: str) -> Case:
        """The case with those examples only that have a reference of this quantity; itself where all have."""
        if quantity not in self.sampled:
            return self
        rows = tuple(self.sampled[quantity])
        return replace(
            self,
            inputs={name: Rows(descriptor, rows) for name, descriptor in self.inputs.items()},
            targets=None if self.targets is None else Rows(self.targets, rows),
            tangents={},
            sampled={},
        )

    def at(self, folder: Path) -> Case:
        """The same case, with its stored values in `folder`."""
        return replace(self, folder=folder)
