"""Mistakes in the layers of a network: a shared weight treated as two, batch statistics frozen or not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from xcheck.case import Case
from xcheck.diagnose._mistake import Mistake, with_program
from xcheck.program import BatchNorm, Sequential, Twice, own

Array = Any


def layers(case: Case, dtype: str) -> Iterator[Mistake]:
    """What may go wrong in the layers of a Sequential."""
    net = case.program
    if not isinstance(net, Sequential):
        return
    if any(isinstance(layer, Twice) for layer in net.layers):
        yield from shared(case, net, dtype)
    for training, said in ((True, "those of evaluation (frozen)"), (False, "those of the batch, as in training")):
        if any(isinstance(layer, BatchNorm) and layer.training is training for layer in net.layers):
            other = (replace(one, training=not training) if isinstance(one, BatchNorm) else one for one in net.layers)
            text = f"has other statistics in its batch normalisation: {said}"
            yield Mistake("batch_statistics", text, with_program(case, Sequential(*other)))


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


def free(a: Array, held: Array) -> Array:
    return a


def constant(a: Array, held: Array) -> Array:
    return held


def double(a: Array, held: Array) -> Array:
    return 2 * a - held


def shared(case: Case, net: Sequential, dtype: str) -> Iterator[Mistake]:
    """The derivative misses a place, or counts one twice."""
    params = case.values(dtype).params
    for said, first, second in (
        ("its first place left out", constant, free), ("its second place left out", free, constant),
        ("its first place counted twice", double, free), ("its second place counted twice", free, double),
        ("both places counted twice", double, double),
    ):  # fmt: skip
        other = (
            Places(layer.layer, own(params, f"{i}."), first, second) if isinstance(layer, Twice) else layer
            for i, layer in enumerate(net.layers)
        )
        text = f"treats a shared weight as two, with {said}"
        yield Mistake("shared_weight", text, with_program(case, Sequential(*other)))
