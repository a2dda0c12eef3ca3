"""The store of references: one npz file each, content-addressed, without pickle.

Each array is kept as a high and a low float64 (106 bits), a power of two that bounds the radius, and log2 of S in
float16. Files are written whole or not at all, so two processes may write the same one; each carries a checksum.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from platformdirs import user_cache_dir

from xcheck._errors import StoreError
from xcheck._load import shipped_folder
from xcheck.exact.certify import Certified

PARTS = ("value", "low", "radius", "scale")
ZERO = -32768  # the exponent of a radius that is zero


def folders(beside: Path | None = None) -> tuple[Path, Path]:
    """Where references are looked for: beside the case files, then the user's cache (XCHECK_CACHE moves it).

    `beside` is a folder of case files; the shipped ones unless given.
    """
    cache = os.environ.get("XCHECK_CACHE") or user_cache_dir("xcheck", appauthor=False)
    return (beside or shipped_folder()) / "references", Path(cache) / "references"


def file_name(case: str, quantity: str, digest: str) -> str:
    return f"{case}.{quantity}.{digest[:16]}.npz"


def write(path: Path, leaves: Mapping[str, Certified], margin: float, status: str) -> None:
    """Writes one reference atomically.

    Raises:
        StoreError: the folder cannot be written; nothing is left behind.
    """
    arrays: dict[str, np.ndarray] = {}
    for leaf, c in leaves.items():
        with np.errstate(divide="ignore"):
            exponent = np.where(c.radius == 0, ZERO, np.frexp(c.radius)[1]).astype(np.int16)
            parts = (c.value, c.low, exponent, np.log2(c.scale).astype(np.float16))
        arrays |= {f"{part}:{leaf}": a for part, a in zip(PARTS, parts, strict=True)}
    meta = {"margin": repr(margin), "status": status, "leaves": list(leaves), "sha256": _checksum(arrays)}
    arrays["meta"] = np.frombuffer(json.dumps(meta).encode(), dtype=np.uint8)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
        try:
            with os.fdopen(handle, "wb") as file:
                np.savez_compressed(file, allow_pickle=False, **arrays)
            os.chmod(temporary, 0o644)
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise StoreError(
            f"cannot write the reference {path}: {error.strerror or error}; free space or set XCHECK_CACHE to a folder"
        ) from None


def read(path: Path) -> tuple[dict[str, Certified], float, str]:
    """Leaves, margin and status.

    Raises:
        StoreError: the file is damaged; the message says to delete it.
    """
    try:
        # From memory: NumPy leaves the file open where the archive is broken.
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        meta = json.loads(arrays.pop("meta").tobytes())
        if _checksum(arrays) != meta["sha256"]:
            raise ValueError("its checksum does not match")
        leaves = {leaf: _leaf(*(arrays[f"{part}:{leaf}"] for part in PARTS)) for leaf in meta["leaves"]}
        return leaves, float(meta["margin"]), meta["status"]
    except Exception as error:  # a damaged archive raises whatever its broken part leads to: zlib, struct, tokenize ...
        raise StoreError(f"the reference {path} is damaged ({error}); delete it, and it is made again") from None


def _leaf(value: np.ndarray, low: np.ndarray, exponent: np.ndarray, log_scale: np.ndarray) -> Certified:
    radius = np.where(exponent == ZERO, 0.0, np.ldexp(1.0, exponent.astype(np.int64)))
    return Certified(value, low, radius, np.exp2(log_scale.astype(np.float64)))


def _checksum(arrays: Mapping[str, np.ndarray]) -> str:
    total = hashlib.sha256()
    for name in sorted(arrays):
        total.update(name.encode() + arrays[name].tobytes())
    return total.hexdigest()
