"""Journal: every record on disk as soon as it is there, so that a killed run goes on where it stopped."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Generic, TypeVar

import msgspec

from xcheck._errors import StoreError
from xcheck.result import SCHEMA, Document

Record = TypeVar("Record", bound=msgspec.Struct)


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
        self.path = Path(path)
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
        line = msgspec.json.encode(record) + b"\n"
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
    try:
        *lines, _torn = path.read_bytes().split(b"\n")
    except OSError as error:
        raise StoreError(f"cannot read the journal {path}: {error.strerror or error}") from None
    records: list[Record] = []
    for number, line in enumerate(lines, start=1):
        try:
            if number == 1:
                if msgspec.json.decode(line, type=type(head)) != head:
                    return [], 0
            elif line.startswith(b'{"finished"'):
                msgspec.json.decode(line, type=_End)
                return [], 0
            else:
                records.append(msgspec.json.decode(line, type=kind))
        except msgspec.MsgspecError as error:
            raise StoreError(
                f"the journal {path} is damaged at line {number} ({error}); delete it and run again"
            ) from None
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
    """The whole file or the old one, whatever happens in between.

    Raises:
        StoreError: the folder cannot be written, or the disk is full.
    """
    path = Path(path)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(data)
        os.replace(part, path)
    except OSError as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise _unwritable(path, error) from None


def read_document(path: str | Path) -> Document:
    """A final file.

    Raises:
        StoreError: it cannot be read, is damaged, or has another schema.
    """
    try:
        document = msgspec.json.decode(Path(path).read_bytes(), type=Document)
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror or error}") from None
    except msgspec.MsgspecError as error:
        raise StoreError(f"{path} is no file of results ({error}); xcheck verify --json FILE writes one") from None
    if document.schema != SCHEMA:
        raise StoreError(f"{path} has schema {document.schema!r}; this xcheck reads {SCHEMA!r}")
    return document


def _unwritable(path: Path, error: OSError) -> StoreError:
    return StoreError(f"cannot write {path}: {error.strerror or error}")
