"""Stored bytes: files of values that must be what was stored, and arrays that nobody can write to."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import numpy as np

from xcheck._atomic import write_atomically

#: The file that lists the checksums of a folder of values, as `sha256sum -c` reads it.
CHECKSUMS = "SHA256SUMS"


def checked_bytes(path: Path, *, listed: bool) -> bytes:
    """A stored file, which must be what its folder's checksums say; `listed`: they must name it.

    Raises:
        ValueError: it is another file.
        OSError: it cannot be read.
    """
    known, found = checksums(path.parent), path.read_bytes()
    if path.name not in known and listed:
        raise ValueError(f"{CHECKSUMS} does not list it")
    if known.get(path.name, hashlib.sha256(found).hexdigest()) != hashlib.sha256(found).hexdigest():
        raise ValueError(f"its checksum is not that of {CHECKSUMS}")
    return found


def checksums(folder: Path) -> dict[str, str]:
    """File names to checksums; none where the folder lists none."""
    path = folder / CHECKSUMS
    return dict(_checksums(path, path.stat().st_mtime_ns)) if path.exists() else {}


@lru_cache(maxsize=16)
def _checksums(path: Path, changed: int) -> dict[str, str]:
    """A list that was last changed at that time."""
    lines = (line.split() for line in path.read_text(encoding="utf-8").splitlines())
    return {line[-1]: line[0] for line in lines if line}


def list_checksums(folder: Path, names: Iterable[str], data: Iterable[bytes]) -> None:
    """Adds files to the checksums of a folder, or lists them anew.

    Raises:
        StoreError: the list cannot be written.
    """
    known = checksums(folder) | {name: hashlib.sha256(a).hexdigest() for name, a in zip(names, data, strict=True)}
    lines = (f"{checksum}  {name}\n" for name, checksum in sorted(known.items()))
    write_atomically(folder / CHECKSUMS, "".join(lines).encode())


def frozen(values: np.ndarray) -> np.ndarray:
    """The same numbers in memory that nobody can write to, whatever flags he sets.

    >>> H = frozen(np.eye(2))
    >>> H.setflags(write=True)
    Traceback (most recent call last):
    ValueError: cannot set WRITEABLE flag to True of this array
    """
    values = np.ascontiguousarray(values) if values.ndim else values
    return np.frombuffer(values.tobytes(), values.dtype).reshape(values.shape)
