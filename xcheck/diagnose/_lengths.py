"""The lengths of the axes that a case has besides its batch: what a sum, a mean or a variance may run over."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from xcheck.diagnose._hypothesis import Evidence


def lengths(evidence: Evidence) -> dict[int, str]:
    """Each length from 2 on, and where it is found first."""
    found: dict[int, str] = {}
    for length, where in axes(evidence):
        if length > 1:
            found.setdefault(length, where)
    return found


def axes(evidence: Evidence) -> Iterator[tuple[int, str]]:
    """Of inputs, outputs and parameters; where an example has several axes, also the number of its entries."""
    values, outputs = evidence.case.values(), evidence.related("value")
    per_example = {name: array.shape[1:] for name, array in values.inputs.items()}
    if outputs is not None:
        per_example |= {path or "the output": leaf.value.shape[1:] for path, leaf in outputs.leaves.items()}
    for name, shape in per_example.items():
        yield from ((length, f"axis {axis} of {name}") for axis, length in enumerate(shape, 1))
        yield prod(shape), f"the entries of an example of {name}"
    for name, array in values.params.items():
        yield from ((length, f"axis {axis} of {name}") for axis, length in enumerate(array.shape))
        yield array.size, f"the entries of {name}"
