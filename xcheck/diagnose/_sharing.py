"""Mistakes in the layers of a network: a shared weight treated as two, batch statistics frozen or not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from xcheck.case import Case
from xcheck.diagnose._mistake import Mistake, with_program
from xcheck.program import BatchNorm, Layer, Sequential, Twice

Array = Any


def layers(case: Case) -> Iterator[Mistake]:
    """What may go wrong in the layers of a Sequential."""
    if not isinstance(case.program, Sequential):
        return
    if any(isinstance(layer, Twice) for layer in case.program.layers):
        yield from shared(case)
    for training, said in ((True, "those of evaluation (frozen)"), (False, "those of the batch, as in training")):
        if any(isinstance(layer, BatchNorm) and layer.training is training for layer in case.program.layers):
            other = replaced(case, BatchNorm, lambda layer: replace(layer, training=not layer.training))
            yield Mistake("batch_statistics", f"has other statistics in its batch normalisation: {said}", other)


@dataclass(frozen=True)
class Places(Twice):
    """One layer in two places, each of which sees `seen(parameter, held)`, the same numbers held constant beside it."""

    held: Mapping[str, Array]
    first: Callable[[Array, Array], Array]
    second: Callable[[Array, Array], Array]

    def apply(self, xp: Any, params: Mapping[str, Array], x: Array) -> Array:
        def seen(see: Callable[[Array, Array], Array]) -> dict[str, Array]:
            return {name: see(array, xp.nn.constant(self.held[name], array)) for name, array in params.items()}

        return self.inner(xp, seen(self.second), self.inner(xp, seen(self.first), x))


def shared(case: Case) -> Iterator[Mistake]:
    """The derivative misses a place, or counts one twice."""

    def free(a: Array, held: Array) -> Array:
        return a

    def constant(a: Array, held: Array) -> Array:
        return held

    def double(a: Array, held: Array) -> Array:
        return 2 * a - held

    assert isinstance(case.program, Sequential)
    for said, first, second in (
        ("its first place left out", constant, free), ("its second place left out", free, constant),
        ("its first place counted twice", double, free), ("its second place counted twice", free, double),
        ("both places counted twice", double, double),
    ):  # fmt: skip

        def placed(prefix: str, layer: Layer, first=first, second=second) -> Layer:
            held = {n.removeprefix(prefix): a for n, a in case.values().params.items() if n.startswith(prefix)}
            return Places(layer.layer, held, first, second) if isinstance(layer, Twice) else layer

        net = Sequential(*(placed(f"{i}.", layer) for i, layer in enumerate(case.program.layers)))
        text = f"treats a shared weight as two, with {said}"
        yield Mistake("shared_weight", text, with_program(case, net))


def replaced(case: Case, kind: type, change: Callable[[Any], Layer]) -> Case:
    """The case with another layer in place of every layer of a kind."""
    assert isinstance(case.program, Sequential)
    return with_program(
        case, Sequential(*(change(layer) if isinstance(layer, kind) else layer for layer in case.program.layers))
    )
