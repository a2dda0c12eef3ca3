"""Reference: the certified value of one quantity at one case, with its bound, its rounding scale and its margin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from xcheck import _store
from xcheck._address import address, data_dtype, sampled
from xcheck._arguments import of_kind, one_of
from xcheck._dtypes import SMALLEST, UNIT, check_dtype
from xcheck._errors import NoReference, StoreError, Undecidable, UnknownName
from xcheck._load import load_cases
from xcheck._registry import unknown
from xcheck._stored import frozen
from xcheck._tree import tree
from xcheck.case import Case
from xcheck.exact.certify import by_convention, certify, margin
from xcheck.quantities import load_quantities
from xcheck.quantity import FRAMEWORKS, Quantity


@dataclass(frozen=True)
class Leaf:
    """One array of a reference: `|value + low - truth| <= radius`, and S, the rounding scale; all float64."""

    value: np.ndarray
    low: np.ndarray
    radius: np.ndarray
    scale: np.ndarray


@dataclass(frozen=True)
class Reference:
    """What the judge compares with, in memory that nothing can write to.

    `margin` is the least |z| / S_z over all comparisons that the program makes (inf where it makes none); `status` is
    "certified", or "convention" where the case sits on a kink. `examples` are those that it holds, where not all.
    """

    case: str
    quantity: str
    dtype: str
    leaves: Mapping[str, Leaf]
    margin: float
    status: str = "certified"
    examples: tuple[int, ...] | None = None

    @property
    def value(self) -> Any:
        return tree({path: leaf.value for path, leaf in self.leaves.items()})

    @property
    def low(self) -> Any:
        return tree({path: leaf.low for path, leaf in self.leaves.items()})

    @property
    def radius(self) -> Any:
        return tree({path: leaf.radius for path, leaf in self.leaves.items()})

    @property
    def scale(self) -> Any:
        return tree({path: leaf.scale for path, leaf in self.leaves.items()})


def reference(
    case: Case | str, quantity: Quantity | str, *, dtype: str = "float64", framework: str | None = None
) -> Reference:
    """`xcheck.reference`, without the guard that a case of the user's passes first."""
    case, quantity = find_case(case), find_quantity(quantity)
    check_dtype(dtype)
    if framework is not None:
        one_of("framework", framework, FRAMEWORKS)
    if dtype != "float64" and not case.holds_in_float32:
        raise NoReference(f"case {case.name} holds data that float32 cannot hold; only float64 has a reference")
    if framework is None and by_convention(case, quantity):
        raise NoReference(
            f"case {case.name} sits on kinks, where {quantity.name} is a convention; "
            f"name a framework: {' or '.join(FRAMEWORKS)}"
        )
    path, wanted = ensure(case, quantity, dtype, framework=framework), address(case, quantity, dtype, framework)
    return _loaded(path, wanted, dtype, case.sampled.get(quantity.name))


@lru_cache(maxsize=64)
def _loaded(path: Path, wanted: str, dtype: str, examples: tuple[int, ...] | None) -> Reference:
    label, found = _store.read(path)
    if label.address != wanted:
        raise StoreError(f"the reference {path} is of another case, {label.address}; delete it, and it is made again")
    leaves = {k: Leaf(c.value, c.low, c.radius, frozen(floored(c.scale, c.value, dtype))) for k, c in found.items()}
    margin = float(label.margin)
    return Reference(label.case, label.quantity, dtype, MappingProxyType(leaves), margin, label.status, examples)


def ensure(
    case: Case, quantity: Quantity, dtype: str = "float64", *, framework: str | None = None, folder: Path | None = None
) -> Path:
    """The file of a reference, made if it is not there yet.

    Where conventions decide and no framework is named, those of all frameworks are made; the last that exists returns.
    """
    made, refused = [], []
    for one in conventions(case, quantity, framework):
        try:
            made.append(_ensured(case, quantity, dtype, one, folder))
        except NoReference as error:
            refused.append(error)
    if not made:
        raise refused[-1]
    return made[-1]


def _ensured(case: Case, quantity: Quantity, dtype: str, framework: str | None, folder: Path | None) -> Path:
    if folder is None:
        found = stored(case, quantity, dtype, framework)
        if found is not None:
            return found
    label = _label(case, quantity, dtype, framework)
    folder = folder or _store.folders()[1]
    if (folder / label.file_name).exists():
        return folder / label.file_name
    part = sampled(case, quantity)
    data = data_dtype(part, dtype)
    try:
        leaves = certify(part, [quantity], data, framework)[quantity.name]
        label = replace(label, margin=repr(margin(part, data, framework)))
    except Undecidable as error:
        raise NoReference(f"{case.name}/{quantity.name} has no certified reference: {error}") from None
    return _store.write(folder, label, leaves)


def _label(case: Case, quantity: Quantity, dtype: str, framework: str | None) -> _store.Label:
    whose, status = (framework or "", "convention") if by_convention(case, quantity) else ("", "certified")
    return _store.Label(case.name, quantity.name, whose, address(case, quantity, dtype, framework), status, "inf")


def conventions(case: Case, quantity: Quantity, framework: str | None = None) -> tuple[str | None, ...]:
    """Whose conventions are asked for; (None,) where a theorem decides."""
    if not by_convention(case, quantity):
        return (None,)
    return FRAMEWORKS if framework is None else (framework,)


def stored(case: Case, quantity: Quantity, dtype: str = "float64", framework: str | None = None) -> Path | None:
    """The file of a reference: beside its case file, or in the user's cache; None where it is still to be made.

    Where conventions decide and no framework is named, those of all frameworks must be there.
    """
    beside = None if case.folder is None else case.folder.parent
    found = [
        next((place / name for place in _store.folders(beside) if (place / name).exists()), None)
        for one in conventions(case, quantity, framework)
        for name in [file_name(case, quantity, dtype, one)]
    ]
    return None if None in found else found[-1]


def missing(case: Case, quantity: Quantity, dtype: str = "float64", framework: str | None = None) -> bool:
    """Whether the reference would have to be made."""
    return stored(case, quantity, dtype, framework) is None


def file_name(case: Case, quantity: Quantity, dtype: str, framework: str | None = None) -> str:
    return _label(case, quantity, dtype, framework).file_name


def floored(S: np.ndarray, R: np.ndarray, dtype: str) -> np.ndarray:
    """S, floored at |R| and, where it is positive, at omega / u: below that the dtype underflows.

    >>> floored(np.array([1.0, 0.0]), np.array([3.0, 0.0]), "float64").tolist()
    [3.0, 0.0]
    """
    S = np.maximum(S, np.abs(R))
    return np.where(S > 0, np.maximum(S, SMALLEST[dtype] / UNIT[dtype]), 0.0)


def find_case(case: Case | str) -> Case:
    if isinstance(case, Case):
        return case
    known = load_cases()
    of_kind("case", case, str, "the name of a case, or an xcheck.Case")
    if case not in known:
        raise UnknownName(unknown("case", case, known))
    return known[case]


def find_quantity(quantity: Quantity | str) -> Quantity:
    if isinstance(quantity, Quantity):
        return quantity
    return load_quantities()[of_kind("quantity", quantity, str, "the name of a quantity, or an xcheck.Quantity")]
