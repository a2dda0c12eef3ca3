"""Makes stored values and references again, and compares them with what is stored."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from xcheck import _store
from xcheck._errors import StoreError
from xcheck._reference import conventions, ensure, stored
from xcheck.arrays import Descriptor, Stored, stored_path
from xcheck.case import Case
from xcheck.exact.certify import Certified
from xcheck.exact.derivatives import Derivatives
from xcheck.exact.monte_carlo import MonteCarlo
from xcheck.quantity import Quantity

#: Quantities along the vectors of a case.
PRODUCTS = frozenset({"jvp", "vjp", "hvp", "ggnvp", "third_derivative", "fourth_derivative"})


def store_values(case: Case) -> list[Path]:
    """Writes the values of a case's descriptors beside its file; those that are stored stay as they are."""
    descriptors: list[Descriptor] = [*case.params.values(), *case.inputs.values(), *vectors(case)]
    written = []
    for descriptor in [*descriptors, *([case.targets] if case.targets else [])]:
        path = stored_path(descriptor, case.folder)
        if path is None or path.exists() or isinstance(descriptor, Stored):
            continue
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            np.save(path, descriptor.make(case.folder), allow_pickle=False)
        except OSError as error:
            raise StoreError(f"cannot write the values {path}: {error.strerror or error}; free space there") from None
        written.append(path)
    return written


def vectors(case: Case) -> list[Descriptor]:
    """The tangents and cotangents of a case's products with vectors, the drawn ones too."""
    if not PRODUCTS & set(case.quantities):
        return list(case.tangents.values())
    floats = Derivatives(case, MonteCarlo(noise=0.0))
    outputs, _ = floats.run(floats.alg, floats.params, floats.inputs)
    shapes = {name: tuple(value.shape) for name, value in outputs.items()}
    shapes |= {name: case.values().inputs[name].shape for name in case.arguments}
    shapes |= {"params": (case.p,)} if case.p else {}
    return [case.vector_descriptor(name, shape) for name, shape in shapes.items()]


def rebuild(case: Case, quantity: Quantity, dtype: str = "float64") -> str | None:
    """Stores a reference beside its case file; one that is stored is made again and compared.

    Returns what does not agree, in one line; None where all is well.
    """
    if stored(case, quantity, dtype) is None:
        beside = None if case.folder is None else case.folder.parent
        ensure(case, quantity, dtype, folder=_store.folders(beside)[0])
        return None
    return "; ".join(compare(case, quantity, dtype)) or None


def compare(case: Case, quantity: Quantity, dtype: str = "float64") -> Iterator[str]:
    """Makes a reference again, by every convention; yields a line for each leaf that the stored file does not overlap.

    The scale is random by construction but seeded, so it must agree to a factor of two on every entry.
    """
    for framework in conventions(case, quantity):
        yield from _compare(case, quantity, dtype, framework)


def _compare(case: Case, quantity: Quantity, dtype: str, framework: str | None) -> Iterator[str]:
    path = stored(case, quantity, dtype, framework)
    if path is None:
        yield f"{case.name}/{quantity.name}: nothing is stored to compare with"
        return
    with tempfile.TemporaryDirectory() as scratch:
        fresh = _store.read(ensure(case, quantity, dtype, framework=framework, folder=Path(scratch)))[0]
    known = _store.read(path)[0]
    if set(known) != set(fresh):
        yield f"{case.name}/{quantity.name}: stored leaves {sorted(known)}, made again {sorted(fresh)}"
        return
    for leaf, certified in known.items():
        where = f"{case.name}/{quantity.name} {leaf}".rstrip()
        if apart := _apart(certified, fresh[leaf]):
            yield f"{where}: {apart} entries do not overlap what is made again"
        if rescaled := _rescaled(certified, fresh[leaf]):
            yield f"{where}: the scale of {rescaled} entries is not of the size of what is made again"


def _apart(a: Certified, b: Certified) -> int:
    gap = np.abs((a.value - b.value) + (a.low - b.low))
    # One rounding of each float64 operation above, on numbers of the size of the low part.
    slack = a.radius + b.radius + 2.0**-52 * (np.abs(a.low) + np.abs(b.low))
    return int((gap > slack).sum())


def _rescaled(a: Certified, b: Certified) -> int:
    return int(((a.scale > 2 * b.scale) | (b.scale > 2 * a.scale)).sum())
