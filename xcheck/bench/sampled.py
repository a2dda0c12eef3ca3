"""A reference where a certified one would take hours: xcheck's own rules in float64, at a few seeded entries.

It is no proof, and a report says so: the value comes from plain float64 and its radius is the rounding error that the
judge grants to a float64 computation. Neither framework takes part, and the threshold is the judge's.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from functools import cached_property
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from xcheck._convention import scale_names, to_our_axes, to_our_numbers
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
from xcheck.result import Convention, Outcome

#: Entries of each axis of parameters or inputs.
ENTRIES = 12


class SampledDerivatives(Derivatives):
    """Derivatives by some parameters and some input entries only; everything built on them becomes the same part."""

    def __init__(self, case: Case, alg: MonteCarlo, dtype: str, entries: Mapping[str, np.ndarray]) -> None:
        super().__init__(case, alg, dtype)
        self.entries = entries

    @property
    def _large(self) -> bool:
        """Never: a few directions are made forwards, whatever the number of parameters."""
        return False

    @cached_property
    def _chosen(self) -> dict[str, Value]:
        """Unit directions of the chosen parameters, as one array a parameter array: (k, *shape)."""
        units = unit_rows(self.case.p, self.entries["p"])
        return {name: self.alg.constant(part) for name, part in self.split(units).items()}

    def _units(self, shape: tuple[int, ...]) -> Iterator[Value]:
        """Unit directions of the chosen entries of one example's input."""
        yield self.alg.constant(unit_rows(prod(shape), self.entries["d"]).reshape(-1, *shape))

    def _units_of(self, name: str) -> list[Value]:
        """The chosen entries of one parameter array."""
        where = self.columns()[name]
        chosen = self.entries["p"][(where.start <= self.entries["p"]) & (self.entries["p"] < where.stop)]
        rows = unit_rows(where.stop - where.start, chosen - where.start)
        return [self.alg.constant(rows.reshape(-1, *self.params[name].shape))] if chosen.size else []

    def jacobian(self, wrt: str) -> Outputs:
        if wrt == "inputs":
            return super().jacobian(wrt)
        jets = Jets(self.alg, 1)
        outputs, _ = self.run(jets, *self._lifted(jets, self._chosen))
        return {"": self._columns_of(self.only_output(outputs), self.entries["p"].size)}

    @cached_property
    def _losses_jacobian(self) -> Value:
        jets = Jets(self.alg, 1)
        losses = self.losses(jets, self.only_output(self.run(jets, *self._lifted(jets, self._chosen))[0]))
        return self._columns_of(losses, self.entries["p"].size)[:, 0]

    @cached_property
    def _hessian(self) -> Value:
        return self._gradient_jet(self._chosen, 1)[:, self.entries["p"]]

    @cached_property
    def _hessian_diagonal(self) -> Value:
        jets = Jets(self.alg, 2)
        second = self.objective(jets, *self._lifted(jets, self._chosen)).coefficients[2]
        return self.alg.zeros(self.entries["p"].shape) if second is None else self.alg.scale(second, 2)


def unit_rows(size: int, chosen: np.ndarray) -> np.ndarray:
    """One row of the unit matrix for each chosen entry: (k, size)."""
    units = np.zeros((chosen.size, size))
    units[np.arange(chosen.size), chosen] = 1.0
    return units


class Sample:
    """The judge's material: which entries, their values, radii and scales; kept in `folder` for other processes."""

    def __init__(self, case: Case, quantity: Quantity, dtype: str, folder: Path) -> None:
        found = sizes(case, dtype)
        self.case, self.quantity, self.outputs = case, quantity, (found.n, found.c)
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

        path = folder / f"{case.name}-{quantity.name}-{data}.npz"
        if not path.exists():
            floats = MonteCarlo(noise=0.0)
            clean = computed(floats)
            squares = sum((computed(MonteCarlo(run, decisions=floats.decisions)) - clean) ** 2 for run in range(RUNS))
            scale = np.maximum(np.sqrt(squares / RUNS) / NOISE, np.abs(clean))
            part = path.with_suffix(f".{os.getpid()}.npz")
            np.savez(part, clean=clean, scale=scale)
            os.replace(part, path)
        with np.load(path) as kept:
            clean, scale = kept["clean"], kept["scale"]
        leaf = Leaf(clean, np.zeros_like(clean), LIMIT * UNIT["float64"] * scale, scale)
        self.reference = Reference(case.name, quantity.name, dtype, {"": leaf}, float("inf"), "float64")

    def judge(self, actual: Any, dtype: str, convention: Convention | None = None, normwise: bool = False) -> Verdict:
        """The judge's verdict on the sampled entries of a whole result, brought into our convention."""
        convention = convention or Convention()
        try:
            (array,) = receive(actual, [""], dtype).values()
        except Refused as refused:
            return Verdict(refused.outcome, reason=str(refused))
        array = to_our_axes(array, convention.axes)
        if array.shape != self.shape:
            return Verdict(Outcome.WRONG_SHAPE, reason=f"the shape is {array.shape}, expected {self.shape}")
        if not np.isfinite(array).all():
            return Verdict(Outcome.NOT_FINITE, reason="an entry is infinite or NaN")
        array = to_our_numbers(
            array, self.case, self.quantity, convention, lambda: scale_names(self.case, self.outputs)
        )
        # Where one pass gives a rule the whole axis, as of a gradient, nothing is left out of it.
        for axis, size in enumerate(self.reference.leaves[""].value.shape):
            if size < array.shape[axis]:
                array = np.take(array, self.entries[self.letters[axis]], axis=axis)
        return compare({"": array}, self.reference, dtype, normwise)
