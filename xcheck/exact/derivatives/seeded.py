"""Seeded: a case whose parameters and inputs move along chosen directions.

Directions go one array at a time, so that what lies before that array has no tangent at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from math import prod
from typing import Any

import numpy as np

from xcheck.case import Case
from xcheck.exact.evaluate import Evaluation, Outputs, Value, is_integer
from xcheck.exact.jets import Jet, Jets

#: Directions at once: more need more memory, fewer more time.
CHUNK = 48


class Seeded(Evaluation):
    """One case in the algebra `alg`, its values there, and jets along unit directions."""

    def __init__(self, case: Case, alg: Any, dtype: str = "float64", framework: str | None = None) -> None:
        super().__init__(case, dtype, framework)
        self.alg = alg
        self.params = self.constants(alg, self.values.params)
        self.inputs = self.constants(alg, self.values.inputs)

    @cached_property
    def _plain(self) -> tuple[Outputs, Outputs]:
        return self.run(self.alg, self.params, self.inputs)

    def value(self) -> Outputs:
        """The outputs by name; a single one has the path ""."""
        return bare(self._plain[0])

    def aux(self) -> Outputs:
        return {f"aux/{name}": value for name, value in self._plain[1].items()}

    @cached_property
    def output(self) -> Value:
        """The only output as (n, c)."""
        (value,) = self._plain[0].values()
        return self.alg.reshape(value, (value.shape[0], -1))

    def _units(self, shape: tuple[int, ...]) -> Iterator[Value]:
        """Unit directions of an array of this shape, a chunk at a time: (t, *shape)."""
        size = prod(shape)
        for start in range(0, size, CHUNK):
            count = min(CHUNK, size - start)
            yield self.alg.constant(np.eye(count, size, start).reshape(count, *shape))

    def _lifted(self, jets: Jets, seeds: Mapping[str, Value]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Parameters and inputs as jets that move along the seeds."""

        def lift(arrays: Mapping[str, Value]) -> dict[str, Any]:
            return {
                name: a if is_integer(a) else jets.lift(a, seeds[name]) if name in seeds else jets.lift(a)
                for name, a in arrays.items()
            }

        return lift(self.params), lift(self.inputs)

    def _seeds(self, tangents: Mapping[str, np.ndarray]) -> dict[str, Value]:
        """One direction (t = 1) that moves several arrays together."""
        return {name: self.alg.constant(v[None]) for name, v in tangents.items()}

    def _columns_of(self, jet: Jet, directions: int) -> Value:
        """`c_1` of shape (t, n, ...) as (n, c, t)."""
        shape = (directions, jet.shape[0], prod(jet.shape[1:]))
        slope = jet.coefficients[1]
        slope = self.alg.zeros(shape) if slope is None else self.alg.reshape(slope, shape)
        return self.alg.transpose(slope, (1, 2, 0))


def bare(outputs: Outputs) -> Outputs:
    """Several outputs by name; a single one has the path ""."""
    return outputs if len(outputs) > 1 else {"": next(iter(outputs.values()))}


def paths(found: Mapping[tuple[str, str], Value]) -> Outputs:
    """One output and one argument: the path ""; otherwise "output/argument"."""
    if len(found) == 1:
        return {"": next(iter(found.values()))}
    return {f"{output}/{argument}": value for (output, argument), value in found.items()}
