"""A reference where a certified one would take hours: xcheck's own rules in float64, at a few seeded entries.

It is no proof, and a report says so: the value comes from plain float64 and its radius is the rounding error that the
judge grants to a float64 computation. Neither framework takes part, and the threshold is the judge's.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property, lru_cache
from math import prod
from typing import Any

import numpy as np

from xcheck._dtypes import UNIT
from xcheck._judge import LIMIT, Verdict, compare
from xcheck._receive import Refused, receive
from xcheck._reference import Leaf, Reference
from xcheck.bench.networks import sizes
from xcheck.case import Case
from xcheck.exact.derivatives import Derivatives
from xcheck.exact.evaluate import Outputs, Value
from xcheck.exact.jets import Jets
from xcheck.exact.monte_carlo import NOISE, RUNS, MonteCarlo
from xcheck.quantity import Quantity
from xcheck.result import Outcome

#: Entries of each axis of parameters or inputs.
ENTRIES = 12


class SampledDerivatives(Derivatives):
    """Derivatives by some parameters and some inputs only; everything built on them becomes the same part."""

    def __init__(self, case: Case, alg: MonteCarlo, dtype: str, entries: Mapping[str, np.ndarray]) -> None:
        super().__init__(case, alg, dtype)
        self.entries = entries

    @cached_property
    def _seeds(self) -> dict[str, Value]:
        """Unit directions of the chosen parameters, as one array a parameter array: (k, *shape)."""
        chosen = self.entries["p"]
        units = np.zeros((chosen.size, self.case.p))
        units[np.arange(chosen.size), chosen] = 1.0
        return {name: self.alg.constant(part) for name, part in self.split(units).items()}

    def jacobian(self, wrt: str) -> Outputs:
        seeds = self._seeds if wrt == "params" else self._input_seeds()
        jets = Jets(self.alg, 1)
        outputs, _ = self.run(jets, *self._lifted(jets, seeds))
        (jet,) = outputs.values()
        return {"": self._column(jet, len(next(iter(seeds.values()))))}

    def _input_seeds(self) -> dict[str, Value]:
        (name,) = self.case.arguments
        shape, chosen = self.inputs[name].shape, self.entries["d"]
        units = np.zeros((chosen.size, prod(shape[1:])))
        units[np.arange(chosen.size), chosen] = 1.0
        return {name: np.broadcast_to(units.reshape(chosen.size, 1, *shape[1:]), (chosen.size, *shape))}

    @cached_property
    def _hessian(self) -> Value:
        return self._gradient_jet(self._seeds, 1)[:, self.entries["p"]]

    def hessian_diagonal(self) -> Value:
        jets = Jets(self.alg, 2)
        return 2 * self.objective(jets, *self._lifted(jets, self._seeds)).coefficients[2]


class Sample:
    """The judge's material: which entries, their values, radii and scales."""

    def __init__(self, case: Case, quantity: Quantity, dtype: str) -> None:
        found = sizes(case, dtype)
        lengths = {"n": found.n, "c": found.c, "d": found.d, "p": found.p}
        random = np.random.default_rng(0)
        self.letters = quantity.shape.split()
        self.shape = tuple(lengths[letter] for letter in self.letters)
        self.entries = {
            letter: np.sort(random.choice(lengths[letter], min(lengths[letter], ENTRIES), replace=False))
            for letter in ("p", "d")
        }
        data = "bfloat16" if dtype == "bfloat16" else "float64"

        def computed(alg: MonteCarlo) -> np.ndarray:
            (value,) = dict(quantity.reference(SampledDerivatives(case, alg, data, self.entries))).values()
            return np.asarray(value, dtype=np.float64)

        clean = computed(MonteCarlo(noise=0.0))
        squares = sum((computed(MonteCarlo(seed=run)) - clean) ** 2 for run in range(RUNS))
        scale = np.maximum(np.sqrt(squares / RUNS) / NOISE, np.abs(clean))
        leaf = Leaf(clean, np.zeros_like(clean), LIMIT * UNIT["float64"] * scale, scale)
        self.reference = Reference(case.name, quantity.name, dtype, {"": leaf}, float("inf"), "float64")

    def judge(self, actual: Any, dtype: str) -> Verdict:
        """The judge's verdict on the sampled entries of a whole result."""
        try:
            (array,) = receive(actual, [""], dtype).values()
        except Refused as refused:
            return Verdict(refused.outcome, reason=str(refused))
        if array.shape != self.shape:
            return Verdict(Outcome.WRONG_SHAPE, reason=f"the shape is {array.shape}, expected {self.shape}")
        if not np.isfinite(array).all():
            return Verdict(Outcome.NOT_FINITE, reason="an entry is infinite or NaN")
        # Where one pass gives a rule the whole axis, as of a gradient, nothing is left out of it.
        for axis, size in enumerate(self.reference.leaves[""].value.shape):
            if size < array.shape[axis]:
                array = np.take(array, self.entries[self.letters[axis]], axis=axis)
        return compare({"": array}, self.reference, dtype)


@lru_cache(maxsize=8)
def sample(case: Case, quantity: Quantity, dtype: str) -> Sample:
    """The sampled reference of one quantity at one case."""
    return Sample(case, quantity, dtype)
