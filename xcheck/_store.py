"""The store of references: one npz file each, content-addressed, without pickle.

Each array is kept as a high and a low float64 (106 bits), a power of two that bounds the radius, and log2 of S in
float16. Files are written whole or not at all, so two processes may write the same one; each carries a checksum over
all that it says, its case, quantity and address too, and is refused under another's name.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from platformdirs import user_cache_dir

from xcheck._atomic import write_atomically
from xcheck._errors import StoreError
from xcheck._load import shipped_folder
from xcheck._stored import frozen
from xcheck.exact.certify import Certified

PARTS = ("value", "low", "radius", "scale")
ZERO = -32768  # the exponent of a radius that is zero


@dataclass(frozen=True)
class Label:
    """What a stored reference says of itself; `framework` is whose convention decides, "" where a theorem does."""

    case: str
    quantity: str
    framework: str
    address: str
    status: str
    margin: str  # a repr: JSON has no infinity

    @property
    def file_name(self) -> str:
        return f"{self.case}.{self.quantity}.{self.address[:16]}.npz"


def folders(beside: Path | None = None) -> tuple[Path, Path]:
    """Where references are looked for: beside the case files, then the user's cache (XCHECK_CACHE moves it).

    `beside` is a folder of case files; the shipped ones unless given.
    """
    cache = os.environ.get("XCHECK_CACHE") or user_cache_dir("xcheck", appauthor=False)
    return (beside or shipped_folder()) / "references", Path(cache) / "references"


def write(folder: Path, label: Label, leaves: Mapping[str, Certified]) -> Path:
    """Writes one reference atomically; returns its file.

    Raises:
        StoreError: the folder cannot be written; nothing is left behind.
    """
    path, arrays = folder / label.file_name, {}
    for leaf, c in leaves.items():
        with np.errstate(divide="ignore"):
            exponent = np.where(c.radius == 0, ZERO, np.frexp(c.radius)[1]).astype(np.int16)
            parts = (c.value, c.low, exponent, np.log2(c.scale).astype(np.float16))
        arrays |= {f"{part}:{leaf}": a for part, a in zip(PARTS, parts, strict=True)}
    said = json.dumps({**asdict(label), "leaves": list(leaves)}, sort_keys=True)
    arrays["said"] = np.frombuffer(said.encode(), dtype=np.uint8)
    arrays["sha256"] = np.frombuffer(_checksum(arrays), dtype=np.uint8)
    archive = io.BytesIO()
    np.savez_compressed(archive, allow_pickle=False, **arrays)
    write_atomically(path, archive.getvalue(), remedy="free space or set XCHECK_CACHE to a folder")
    return path


def read(path: Path) -> tuple[Label, dict[str, Certified]]:
    """What a file says, and its leaves in memory that nothing can write to.

    Raises:
        StoreError: the file is damaged, or bears the name of another reference; the message says to delete it.
    """
    try:
        # From memory: NumPy leaves the file open where the archive is broken.
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        if _checksum(arrays) != arrays.pop("sha256").tobytes():
            raise ValueError("its checksum does not match")
        said = json.loads(arrays.pop("said").tobytes())
        names = said.pop("leaves")
        label = Label(**said)
        if label.file_name != path.name:
            raise ValueError(f"it is {label.file_name} under another name")
        return label, {leaf: _leaf(*(arrays[f"{part}:{leaf}"] for part in PARTS)) for leaf in names}
    except Exception as error:  # a damaged archive raises whatever its broken part leads to: zlib, struct, tokenize ...
        raise StoreError(f"the reference {path} is damaged ({error}); delete it, and it is made again") from None


def _leaf(value: np.ndarray, low: np.ndarray, exponent: np.ndarray, log_scale: np.ndarray) -> Certified:
    radius = np.where(exponent == ZERO, 0.0, np.ldexp(1.0, exponent.astype(np.int64)))
    return Certified(*map(frozen, (value, low, radius, np.exp2(log_scale.astype(np.float64)))))


def _checksum(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Over names, dtypes, shapes and bytes of all but the checksum itself."""
    total = hashlib.sha256()
    for name in sorted(set(arrays) - {"sha256"}):
        total.update(f"{name} {arrays[name].dtype.str} {arrays[name].shape}\n".encode() + arrays[name].tobytes())
    return total.digest()
