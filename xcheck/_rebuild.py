"""Makes stored values and references again, and compares them with what is stored."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from xcheck import _store
from xcheck._address import data_dtype
from xcheck._atomic import write_atomically
from xcheck._dtypes import UNIT
from xcheck._reference import conventions, ensure, file_name
from xcheck._stored import list_checksums
from xcheck.arrays import Descriptor, Stored
from xcheck.case import Case
from xcheck.exact.certify import Certified
from xcheck.exact.derivatives import Derivatives
from xcheck.exact.monte_carlo import MonteCarlo
from xcheck.quantity import Quantity

#: Quantities along the vectors of a case.
PRODUCTS = frozenset({"jvp", "vjp", "hvp", "ggnvp", "third_derivative", "fourth_derivative"})


def store_values(case: Case) -> list[Path]:
    """Writes the values of a case's descriptors beside its file, with their checksums; what is stored stays as it is.

    Raises:
        StoreError: the folder cannot be written.
    """
    if case.folder is None:
        return []
    descriptors: list[Descriptor] = [*case.params.values(), *case.inputs.values(), *vectors(case)]
    written = {}
    for descriptor in [*descriptors, *([case.targets] if case.targets else [])]:
        path = case.folder / f"{descriptor.digest}.npy"
        if path.exists() or isinstance(descriptor, Stored):
            continue
        values = io.BytesIO()
        np.save(values, descriptor.make(case.folder), allow_pickle=False)
        written[path] = values.getvalue()
    if written:  # the list goes first: a file that it does not name counts as damaged
        list_checksums(case.folder, [path.name for path in written], written.values())
    for path, data in written.items():
        write_atomically(path, data)
    return list(written)


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
    """Makes a reference again, compares it with what is stored beside its case file, and stores it there.

    What is stored under another address, of older rules or of an older case, is compared too, and gives way to what
    agrees with it. Returns what does not agree, in one line, and then leaves everything as it was; None where all is
    well. Delete a stored file to accept what does not agree with it.
    """
    return (
        "; ".join(fault for one in conventions(case, quantity) for fault in _rebuilt(case, quantity, dtype, one))
        or None
    )


def _rebuilt(case: Case, quantity: Quantity, dtype: str, framework: str | None) -> list[str]:
    older = stored_beside(case, quantity, dtype, framework)
    with tempfile.TemporaryDirectory() as scratch:
        fresh = ensure(case, quantity, dtype, framework=framework, folder=Path(scratch))
        faults = [fault for path in older for fault in differences(path, fresh)]
        if not faults:
            if fresh.name not in {path.name for path in older}:
                write_atomically(beside(case) / fresh.name, fresh.read_bytes())
            for path in older:
                if path.name != fresh.name:
                    path.unlink()
    return faults


def beside(case: Case) -> Path:
    """The folder of references beside a case file."""
    return _store.folders(None if case.folder is None else case.folder.parent)[0]


def stored_beside(case: Case, quantity: Quantity, dtype: str, framework: str | None) -> list[Path]:
    """What is stored of a reference beside its case file, whatever its address; bfloat16 has files of its own."""
    wanted = file_name(case, quantity, dtype, framework)
    others = {
        file_name(case, quantity, one, framework) for one in UNIT if data_dtype(case, one) != data_dtype(case, dtype)
    }

    def meant(path: Path) -> bool:
        return path.name not in others and _store.read(path)[0].framework == (framework or "")

    files = sorted(beside(case).glob(f"{case.name}.{quantity.name}.*.npz"))
    return [path for path in files if path.name == wanted or meant(path)]


def differences(known: Path, fresh: Path) -> Iterator[str]:
    """A line for each leaf of a stored reference that one that is made again does not overlap.

    The scale is random by construction but seeded, so it must agree to a factor of two on every entry.
    """
    (label, leaves), (_, again) = _store.read(known), _store.read(fresh)
    where = f"{label.case}/{label.quantity}"
    if set(leaves) != set(again):
        yield f"{where}: stored leaves {sorted(leaves)}, made again {sorted(again)}"
        return
    for leaf, certified in leaves.items():
        named = f"{where} {leaf}".rstrip()
        if certified.value.shape != again[leaf].value.shape:
            yield f"{named}: stored shape {certified.value.shape}, made again {again[leaf].value.shape}"
            continue
        if apart := _apart(certified, again[leaf]):
            yield f"{named}: {apart} entries do not overlap what is made again"
        if rescaled := _rescaled(certified, again[leaf]):
            yield f"{named}: the scale of {rescaled} entries is not of the size of what is made again"


def _apart(a: Certified, b: Certified) -> int:
    gap = np.abs((a.value - b.value) + (a.low - b.low))
    # One rounding of each float64 operation above, on numbers of the size of the low part.
    slack = a.radius + b.radius + 2.0**-52 * (np.abs(a.low) + np.abs(b.low))
    return int((gap > slack).sum())


def _rescaled(a: Certified, b: Certified) -> int:
    return int(((a.scale > 2 * b.scale) | (b.scale > 2 * a.scale)).sum())
