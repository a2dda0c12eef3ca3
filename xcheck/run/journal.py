"""Journal: every record on disk as soon as it is there, so that a killed run goes on where it stopped."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Generic, TypeVar

import msgspec

from xcheck import _atomic
from xcheck._errors import StoreError
from xcheck._files import decode, encode, path_of, read_bytes, read_json, refuse_special
from xcheck.result import SCHEMA, Document, size

Record = TypeVar("Record", bound=msgspec.Struct)
Read = TypeVar("Read", bound=Document)


class Head(msgspec.Struct, kw_only=True):
    """The first line: results may be taken over only by a run that has the same one."""

    schema: str = SCHEMA
    machine: dict[str, Any]
    versions: dict[str, str]
    settings: dict[str, Any]


class _End(msgspec.Struct, forbid_unknown_fields=True):
    """The last line of a run that was not cut short; the next run starts over."""

    finished: bool


class Journal(Generic[Record]):
    """Records of a kind appended to `path`, one line each and flushed, below a head that says what run this is.

    `found` holds those of an unfinished run with an equal head.

    Raises:
        StoreError: the file is damaged, cannot be written, or another run is writing it.
    """

    def __init__(self, path: str | Path, head: msgspec.Struct, kind: type[Record]) -> None:
        self.path = path_of("the journal", path)
        refuse_special(self.path)
        self.found, whole = _unfinished(self.path, head, kind)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file: BinaryIO = open(self.path, "ab", buffering=0)  # noqa: SIM115
        except OSError as error:
            raise _unwritable(self.path, error) from None
        try:
            _lock(self._file, self.path)
            if self.path.is_file():
                self._file.truncate(whole)
            if not whole:
                self._write(head)
        except BaseException:
            self._file.close()
            raise

    def add(self, record: Record) -> None:
        self._write(record)

    def finish(self) -> None:
        """Marks the run as complete: call it when the final file is written, as the next run starts over."""
        self._write(_End(finished=True))

    def _write(self, record: msgspec.Struct) -> None:
        line = encode(record) + b"\n"
        try:
            if self._file.write(line) != len(line):
                raise OSError("the disk took only a part of the line")
        except OSError as error:
            raise _unwritable(self.path, error) from None

    def __enter__(self) -> Journal[Record]:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None):
        self._file.close()


def _unfinished(path: Path, head: msgspec.Struct, kind: type[Record]) -> tuple[list[Record], int]:
    """The records of a run that was cut short and had the same head, and how many bytes of the file to keep."""
    if not path.is_file():
        return [], 0
    *lines, _torn = read_bytes(path).split(b"\n")
    records: list[Record] = []
    for number, line in enumerate(lines, start=1):
        hints = (f"the journal {path} is damaged at line {number}", "delete it and run again")
        if number == 1:
            if decode(line, type(head), *hints) != head:
                return [], 0
        elif line.startswith(b'{"finished"'):
            decode(line, _End, *hints)
            return [], 0
        else:
            records.append(decode(line, kind, *hints))
    return records, sum(len(line) + 1 for line in lines)


def _lock(file: BinaryIO, path: Path) -> None:
    """Two runs must not write one journal; the lock ends with the process."""
    try:
        import fcntl
    except ImportError:  # Windows has none
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise StoreError(f"another run is writing {path}; wait for it, or choose another file with --json") from None


def write_atomically(path: str | Path, data: bytes) -> None:
    """The whole file or the old one, whatever happens in between; a device is written to, a link followed.

    Raises:
        StoreError: the folder cannot be written, or the disk is full.
    """
    path = path_of("the file", path)
    refuse_special(path)
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(data)
            return
        path = path.resolve()
    except OSError as error:
        raise _unwritable(path, error) from None
    _atomic.write_atomically(path, data)


def read_document(path: str | Path) -> Document:
    """A final file.

    Raises:
        StoreError: it cannot be read, is damaged, or has another schema.
    """
    document = read_json(path_of("the file", path), Document, "file of results", "xcheck verify --json FILE writes one")
    return checked(document, path)


def checked(document: Read, path: str | Path) -> Read:
    """The same document, of this schema, each of whose ratios and values is a number, or the word of one.

    Raises:
        StoreError: it has another schema, or a value is another word.
    """
    if document.schema != SCHEMA:
        raise StoreError(f"{path} has schema {document.schema!r}; this xcheck reads {SCHEMA!r}")
    for one in document.results:
        worst = () if one.worst is None else (one.worst.actual,)
        for value in (one.ratio, one.ratio_F, *worst):
            try:
                size(value)
            except ValueError:
                raise StoreError(f"{path} is no file of results: {one.id} has the number {value!r}") from None
    return document


def _unwritable(path: Path, error: OSError) -> StoreError:
    return StoreError(f"cannot write {path}: {error.strerror or error}")
