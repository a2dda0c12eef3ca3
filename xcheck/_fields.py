"""The fields of a case: what may stand in each, said in one line where something else does."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from xcheck._errors import CaseError
from xcheck._registry import check_name
from xcheck.arrays import Descriptor, Integers, Literal
from xcheck.program import Loss

#: Field to the types that it may have, and to what is said of another.
TYPES: dict[str, tuple[tuple[type, ...], str]] = {
    "targets": ((Descriptor, type(None)), "a descriptor such as Normal((4, 3), seed=1)"),
    "loss": ((Loss, type(None)), "one of xcheck.program.losses, such as mse()"),
    "wrt": ((str, tuple, list), 'names of inputs, or "params"'),
    "quantities": ((tuple, list), "a tuple of names"),
    "sampled": ((Mapping,), "a mapping of quantities to examples"),
    "native": ((Mapping,), "a mapping of torch and jax to functions"),
    "kinks": ((bool,), "True or False"),
    "since": ((str,), "a release"),
    "doc": ((str,), "one line"),
    "tier": ((str,), "the name of a tier"),
    "folder": ((Path, type(None)), "a pathlib.Path"),
}
ARRAYS = ("params", "inputs", "tangents")


def check_fields(case: Any) -> None:
    """Whether the fields of a case are of the right form; mappings are frozen.

    Raises:
        CaseError: one is not; the message says what came and what was expected.
    """
    check_name("case", case.name)
    for part in ARRAYS:
        mapping = getattr(case, part)
        if not isinstance(mapping, Mapping) or not all(
            isinstance(name, str) and name and isinstance(d, Descriptor) for name, d in mapping.items()
        ):
            raise CaseError(f"case {case.name}: {part} must map names to descriptors such as Normal((4, 3), seed=1)")
        object.__setattr__(case, part, MappingProxyType(dict(mapping)))
    for field, (types, expected) in TYPES.items():
        value = getattr(case, field)
        if not isinstance(value, types):
            raise CaseError(f"case {case.name}: {field} is of type {type(value).__name__}, expected {expected}")
    if not callable(case.program) or isinstance(case.program, type):
        raise CaseError(f"case {case.name}: program must be callable as program(xp, params, inputs)")
    if not case.inputs:
        raise CaseError(f"case {case.name}: inputs is empty; the first axis of each input is the batch")
    if (case.loss is None) != (case.targets is None):
        raise CaseError(f"case {case.name}: loss and targets belong together; one of them is missing")
    for framework, function in case.native.items():
        if framework not in ("torch", "jax") or not callable(function):
            raise CaseError(f'case {case.name}: native maps {framework!r}, expected "torch" and "jax" to functions')
    _check_names(case)
    if case.sampled:
        _check_sampled(case)
    for part in ("params", "inputs", "targets"):
        declared = getattr(case, part)
        for name, descriptor in declared.items() if isinstance(declared, Mapping) else ((part, declared),):
            if isinstance(descriptor, (Literal, Integers)):  # the others take time, or a file
                check_values(case.name, part, name, descriptor.make())


def _check_names(case: Any) -> None:
    for field in ("wrt", "quantities"):
        names = getattr(case, field)
        listed = (names,) if isinstance(names, str) else tuple(names)
        if not all(isinstance(name, str) for name in listed) or len(set(listed)) < len(listed):
            raise CaseError(f"case {case.name}: {field} is {names!r}, expected names, each once")
        if not isinstance(names, str):
            object.__setattr__(case, field, listed)
    if case.wrt == ():
        raise CaseError(f'case {case.name}: wrt names no input; without derivatives by inputs it is "params"')
    for argument in () if case.wrt == "params" else (case.wrt,) if isinstance(case.wrt, str) else case.wrt:
        if argument not in case.inputs:
            raise CaseError(f"case {case.name}: wrt names {argument!r}, but the inputs are {', '.join(case.inputs)}")


def _check_sampled(case: Any) -> None:
    for name, examples in case.sampled.items():
        known = set(examples) & set(range(case.n))
        if name not in case.quantities or list(examples) != sorted(known) or not known:
            raise CaseError(
                f"case {case.name}: sampled[{name!r}] is {examples!r}; expected a quantity of the case, "
                f"and some of its {case.n} examples in ascending order"
            )


def check_values(case: str, part: str, name: str, values: np.ndarray) -> np.ndarray:
    """The values of one array of a case: finite, at least one; parameters are reals and inputs have a first axis.

    Raises:
        CaseError: they are not; the message names the array and the place.
    """
    where = f"case {case}: {part} {name!r}" if name != part else f"case {case}: {part}"
    if values.size == 0:
        raise CaseError(f"{where} has shape {values.shape}, and so no entries")
    if part == "params" and values.dtype.kind != "f":
        raise CaseError(f"{where} holds integers, which have no derivative; write 1.0 for 1, or make it an input")
    if part != "params" and values.ndim == 0:
        raise CaseError(f"{where} is a number; its first axis is the batch")
    if not np.isfinite(values).all():
        place = [int(k) for k in np.argwhere(~np.isfinite(values))[0]]
        raise CaseError(f"{where} is {values[tuple(place)]} at {place}; data must be finite, also once rounded")
    return values


def check_batch(case: Any, inputs: Mapping[str, np.ndarray], targets: np.ndarray | None) -> None:
    """Whether all inputs, and the targets, are of the same examples, and reals are what derivatives are for.

    Raises:
        CaseError: they are not; the message names the two arrays.
    """
    arrays = dict(inputs) | ({} if targets is None else {"targets": targets})
    (first, n), *rest = ((name, array.shape[0]) for name, array in arrays.items())
    for name, size in rest:
        if size != n:
            raise CaseError(f"case {case.name}: {first!r} has {n} examples and {name!r} has {size}")
    for argument in () if case.wrt == "params" else (case.wrt,) if isinstance(case.wrt, str) else case.wrt:
        if inputs[argument].dtype.kind != "f":
            raise CaseError(f"case {case.name}: wrt names {argument!r}, whose integers have no derivative")
