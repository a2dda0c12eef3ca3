"""Mistakes in what a program is given: its parameters, inputs and targets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np

from xcheck.arrays import Computed
from xcheck.case import Case
from xcheck.diagnose._mistake import Mistake, with_program

Arrays = Mapping[str, Any]
#: What a recurrent layer stacks in one weight: the gates of a GRU, of an LSTM.
GATES = (3, 4)


def values(case: Case, dtype: str) -> Iterator[Mistake]:
    yield from parameters(case, dtype)
    yield from inputs(case, dtype)
    yield from targets(case, dtype)


def parameters(case: Case, dtype: str) -> Iterator[Mistake]:
    """Biases left out, square weights transposed, which are still functions of theta; parameters held constant."""
    arrays = case.values(dtype).params
    biases = [name for name in arrays if "bias" in name]
    if biases:
        without = changed(case, lambda xp, name, a: 0 * a if name in biases else a)
        yield Mistake("no_bias", "is that of the program without its biases", without)
    for bias in biases if len(biases) > 1 else ():
        without = changed(case, lambda xp, name, a, bias=bias: 0 * a if name == bias else a)
        yield Mistake("no_bias", f"is that of the program without {bias}", without, bias)
    for bias in biases:
        yield from gates(case, bias)
    if any(is_square(array.shape) for array in arrays.values()):
        transposed = changed(case, lambda xp, name, a: xp.matrix_transpose(a) if is_square(a.shape) else a)
        yield Mistake("transposed_weight", "is that of the program with its square weights transposed", transposed)
    for held in arrays if len(arrays) > 1 else ():
        detached = changed(case, lambda xp, name, a, held=held: xp.nn.constant(arrays[held], a) if name == held else a)
        yield Mistake("detached_parameter", f"treats {held} as constant: detached from the graph", detached, held)


def gates(case: Case, bias: str) -> Iterator[Mistake]:
    """The bias of one gate left out: beside a weight of shape (k h, h), a bias of shape (k h,) belongs to k gates."""
    arrays = case.values().params
    size, shapes = arrays[bias].size, {array.shape for array in arrays.values()}
    for k in GATES:
        if arrays[bias].shape != (size,) or size % k or (size, size // k) not in shapes:
            continue
        for gate in range(k):
            kept = (np.arange(size) // (size // k) != gate).astype(np.float64)
            without = changed(case, lambda xp, name, a, kept=kept: a * xp.nn.constant(kept, a) if name == bias else a)
            yield Mistake("no_bias", f"is that of the program without gate {gate} of {bias}", without, bias)


def is_square(shape: tuple[int, ...]) -> bool:
    return len(shape) == 2 and shape[0] == shape[1] > 1


def changed(case: Case, change: Callable[[Any, str, Any], Any]) -> Case:
    """`change(xp, name, array)` in place of each parameter."""

    def program(xp: Any, params: Arrays, inputs: Arrays) -> Any:
        return case.program(xp, {name: change(xp, name, array) for name, array in params.items()}, inputs)

    return with_program(case, program)


def inputs(case: Case, dtype: str) -> Iterator[Mistake]:
    """One input or two detached; two of one shape exchanged."""
    arrays = case.values(dtype).inputs
    arguments = [name for name in case.arguments if arrays[name].dtype.kind == "f"]
    for held in (*((name,) for name in arguments), *combinations(arguments, 2)):
        said = " and ".join(held)
        case_held = fed(case, lambda xp, x, held=held: {name: xp.nn.constant(arrays[name], x[name]) for name in held})
        yield Mistake("detached_input", f"treats {said} as constant: detached from the graph", case_held, said)
    for a, b in combinations(arrays, 2):
        if arrays[a].shape == arrays[b].shape and arrays[a].dtype == arrays[b].dtype:
            swapped = fed(case, lambda xp, x, a=a, b=b: {a: x[b], b: x[a]})
            yield Mistake("wrong_argument", f"is that of the program with its inputs {a} and {b} exchanged", swapped)


def fed(case: Case, change: Callable[[Any, Arrays], Arrays]) -> Case:
    """The program with some of its inputs replaced."""
    return with_program(case, lambda xp, params, inputs: case.program(xp, params, {**inputs, **change(xp, inputs)}))


def targets(case: Case, dtype: str) -> Iterator[Mistake]:
    """Every example with its neighbour's target."""
    own = case.values(dtype).targets
    if own is None or len(own) < 2:
        return
    for shift in (1, -1):
        rolled = Computed(f"targets rolled by {shift}", lambda s=shift: np.roll(own, s, axis=0), dtype="float64")
        text = f"gives example k the target of example k {'-' if shift > 0 else '+'} 1"
        yield Mistake("misaligned_targets", text, replace(case, targets=rolled), shift)
