"""Files that somebody else wrote: regular ones of a bounded size, or one clear line."""

from __future__ import annotations

import errno
import io
import os
import stat
import zipfile
from pathlib import Path
from typing import TypeVar

import msgspec
import numpy as np

from xcheck._arguments import refuse
from xcheck._errors import StoreError, UsageError, XCheckError
from xcheck._text import one_line, printable

T = TypeVar("T")

#: The full tier writes 50 MB; what is larger than this is no file of ours.
LARGEST = 2**30


def path_of(what: str, given: object) -> Path:
    """What was given, as a path.

    Raises:
        UsageError: it is no text, or one that no file can have as its name.

    >>> path_of("folder", 3)
    Traceback (most recent call last):
    ...
    xcheck._errors.UsageError: folder is 3, expected the path of a file or folder
    """
    if not isinstance(given, (str, os.PathLike)):
        raise refuse(what, given, "the path of a file or folder")
    try:
        os.stat(given)
    except ValueError as error:  # NUL, or a character that no file system has
        raise UsageError(f"{what} {one_line(given, 80)!r} is no path: {error}") from None
    except OSError as error:
        if error.errno in (errno.ENAMETOOLONG, errno.ELOOP):
            raise UsageError(f"{what} {one_line(given, 80)!r} is no path: {error.strerror}") from None
    return Path(given)


def read_bytes(path: Path) -> bytes:
    """A whole file.

    Raises:
        StoreError: it cannot be read, is a device or a pipe that may never end, or is too large.
    """
    try:
        found = os.stat(path)
        if not stat.S_ISREG(found.st_mode):
            raise StoreError(f"cannot read {path}: it is no regular file")
        if found.st_size > LARGEST:
            raise StoreError(f"cannot read {path}: its {found.st_size} bytes are more than the {LARGEST} allowed")
        return path.read_bytes()
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror or error}") from None
    except (ValueError, MemoryError) as error:
        raise StoreError(f"cannot read {path}: {one_line(error) or 'it does not fit into memory'}") from None


def read_json(path: Path, kind: type[T], expected: str, then: str) -> T:
    """A file of JSON as a `kind`; a line on another says what was expected, and what to do then.

    Raises:
        StoreError: it cannot be read, or holds something else.
    """
    return decode(read_bytes(path), kind, f"{path} is no {expected}", then)


def encode(record: object) -> bytes:
    """A record as JSON; a text that UTF-8 cannot hold is written as `printable` has it."""
    try:
        return msgspec.json.encode(record)
    except UnicodeEncodeError:
        return msgspec.json.encode(_printable(msgspec.to_builtins(record)))


def _printable(tree: object) -> object:
    if isinstance(tree, dict):
        return {_printable(name): _printable(value) for name, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        return [_printable(value) for value in tree]
    return printable(tree) if isinstance(tree, str) else tree


def decode(data: bytes, kind: type[T], wrong: str, then: str) -> T:
    """JSON as a `kind`; the line on anything else begins with what is wrong, and ends with what to do then.

    Raises:
        StoreError: the data are something else.
    """
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, XCheckError) as error:
        raise StoreError(f"{wrong} ({one_line(error, 300)}); {then}") from None
    except RecursionError:
        raise StoreError(f"{wrong} (it is nested too deeply); {then}") from None


def refuse_special(path: Path) -> None:
    """A file to be written is a regular one, a device such as /dev/null, or none yet.

    Raises:
        StoreError: it is a folder, or a pipe that may have no reader.
    """
    if path.is_dir():
        raise StoreError(f"cannot write {path}: it is a folder; give the name of a file")
    if path.is_fifo() or path.is_socket():
        raise StoreError(f"cannot write {path}: it is no regular file")


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays of an npz file, all of numbers (bfloat16 is of NumPy's kind V).

    Raises:
        StoreError: it cannot be read, is damaged or no npz file, or claims more than it may hold.
    """
    data = read_bytes(path)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            claimed = sum(member.file_size for member in archive.infolist())
        if claimed > LARGEST:
            raise StoreError(f"cannot read {path}: it claims {claimed} bytes, more than the {LARGEST} allowed")
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except StoreError:
        raise
    except Exception as error:  # a damaged archive may raise anything
        raise StoreError(f"{path} is no npz file of arrays ({one_line(error, 300)})") from None
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiubcV":
            dtype = getattr(array, "dtype", type(array).__name__)
            raise StoreError(f"{path}: the array {one_line(name, 80)!r} is of dtype {dtype}, expected numbers")
    return arrays
