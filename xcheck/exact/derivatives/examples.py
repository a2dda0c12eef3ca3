"""Whether the outputs of an example depend on that example alone, as every per-example quantity takes for granted."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from xcheck._errors import NoReference
from xcheck.case import Case
from xcheck.exact.derivatives.seeded import Seeded
from xcheck.exact.evaluate import Evaluation, is_integer
from xcheck.exact.jets import Jets
from xcheck.exact.monte_carlo import MonteCarlo
from xcheck.exact.ties import DrawnFloats


def require_separate(case: Case, dtype: str, what: str) -> None:
    """Nothing, where no output depends on another example.

    Raises:
        NoReference: one does, so the case has no such per-example quantity.
    """
    rows = _rows(case, dtype)
    if rows:
        raise NoReference(
            f"case {case.name} has no {what}: the output {rows[0]!r} has {rows[1]} rows for {case.n} examples; "
            "a program returns a row an example"
        )
    mixing = _mixing(case, dtype)
    if mixing is not None:
        raise NoReference(
            f"case {case.name} has no {what}: outputs depend on several examples of {mixing!r}; "
            "ask for jacobian_batch, which has the blocks across examples"
        )


@lru_cache(maxsize=64)
def _rows(case: Case, dtype: str) -> tuple[str, int] | None:
    """The first output that has not one row an example, and how many it has."""
    plain, alg = Evaluation(case, dtype), MonteCarlo(noise=0.0)
    with np.errstate(all="ignore"):  # what a branch leaves out may be infinite
        outputs, _ = plain.run(
            alg, plain.constants(alg, plain.values.params), plain.constants(alg, plain.values.inputs)
        )
    others = ((name, value.shape[0]) for name, value in outputs.items() if value.shape[0] != case.n)
    return next(others, None)


@lru_cache(maxsize=64)
def _mixing(case: Case, dtype: str) -> str | None:
    """The first input through which examples mix.

    Two examples differ in a bit of their numbers. So for every bit those that have it move, and then those that have it
    not, and the others must stand still: `2 log2 n` directions for all pairs.
    """
    seeded = Seeded(case, DrawnFloats(0, 0, 0.0), dtype)
    numbers = np.arange(case.n)
    bits = [(numbers >> k) & 1 for k in range((case.n - 1).bit_length())]
    moved = np.array([side == s for side in bits for s in (0, 1)], dtype=bool).reshape(-1, case.n)
    for name, x in seeded.values.inputs.items():
        if is_integer(x) or not len(moved):
            continue
        v = np.random.default_rng(0).standard_normal(x.shape)
        seeds = np.where(moved.reshape(*moved.shape, *[1] * (x.ndim - 1)), v, 0.0)
        jets = Jets(seeded.alg, 1)
        with np.errstate(all="ignore"):  # what a branch leaves out may be infinite
            outputs, _ = seeded.run(jets, *seeded._lifted(jets, {name: seeds}))
        for jet in outputs.values():
            slope = jet.coefficients[1]
            if slope is None:
                continue
            # An output without an axis of examples belongs to all of them.
            if np.any(np.nan_to_num(slope[~moved] if slope.shape[1:2] == (case.n,) else slope)):
                return name
    return None
