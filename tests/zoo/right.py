"""The right result of a cell, exact or rounded to its dtype, for defects to work on."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

import xcheck
from xcheck._errors import NoReference
from xcheck._reference import Reference, missing
from xcheck.case import Case
from xcheck.quantities import load_quantities
from zoo._defect import Right


def related_to(case: Case, dtype: str) -> Callable[[str], Reference | None]:
    """The other references of a case."""

    return lambda quantity: stored_reference(case, quantity, dtype)


@cache
def stored_reference(case: Case, quantity: str, dtype: str) -> Reference | None:
    """A reference that need not be made; kept, since each is asked for by every defect."""
    if quantity not in case.quantities or missing(case, load_quantities()[quantity], dtype):
        return None
    try:
        return xcheck.reference(case, quantity, dtype=dtype)
    except NoReference:
        return None


def right(case: Case, quantity: str, dtype: str, leaves: dict[str, np.ndarray] | None = None) -> Right:
    """The exact result, or one that is given, which is of the dtype: then wrong programs run in it as well."""
    arithmetic = "float64" if leaves is None else dtype
    if leaves is None:
        reference = stored_reference(case, quantity, dtype)
        assert reference is not None, f"{case.name}/{quantity} has no stored reference for {dtype}"
        leaves = {path: leaf.value for path, leaf in reference.leaves.items()}
    shape = load_quantities()[quantity].shape
    return Right(case, quantity, dtype, leaves, shape, related_to(case, dtype), arithmetic)


def stored(leaves, dtype: str) -> dict[str, np.ndarray]:
    """The leaves as arrays of the dtype."""
    return {path: np.asarray(A, "float64" if dtype == "float64" else "float32") for path, A in leaves.items()}
