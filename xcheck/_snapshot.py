"""Snapshot: what an implementation must leave as it was, so that a change can be told in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from xcheck.result import Outcome


@dataclass(frozen=True)
class Snapshot:
    """Copies of the arrays of a problem, and of the state of its module, as bytes and words."""

    inputs: Mapping[str, Any]
    state: Mapping[str, Any]

    @classmethod
    def of(cls, inputs: Mapping[str, Any], state: Mapping[str, Any]) -> Snapshot:
        return cls(*({name: _frozen(value) for name, value in part.items()} for part in (inputs, state)))

    def compare(self, after: Snapshot) -> tuple[Outcome, str] | None:
        """The outcome and what changed, inputs first.

        >>> before = Snapshot.of({"inputs/x": np.zeros(2)}, {})
        >>> before.compare(Snapshot.of({"inputs/x": np.ones(2)}, {}))
        (<Outcome.MUTATED_INPUT: 'mutated_input'>, 'changed: inputs/x')
        """
        for outcome, was, now in (
            (Outcome.MUTATED_INPUT, self.inputs, after.inputs),
            (Outcome.MUTATED_STATE, self.state, after.state),
        ):
            changed = [name for name in {**was, **now} if was.get(name) != now.get(name)]
            if changed:
                return outcome, f"changed: {', '.join(changed)}"
        return None


def _frozen(value: Any) -> Any:
    """Bytes compare NaN with NaN as equal, and cannot change behind our back."""
    return (value.dtype.str, value.shape, value.tobytes()) if isinstance(value, np.ndarray) else value
