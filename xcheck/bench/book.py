"""Book: each group on disk as soon as it is measured."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec

from xcheck._errors import StoreError
from xcheck.bench.schema import Bench, Measured


class Line(msgspec.Struct):
    """One group, and what was noted of it."""

    measured: Measured
    note: str | None = None


class Book:
    """A journal of lines: what run this is, then its groups; a book of another run is started anew."""

    def __init__(self, path: Path | None, head: Bench) -> None:
        self.path = path
        # What does not change when the same run goes on; the load of the machine does.
        self.run: dict[str, Any] = {"settings": head.settings, "versions": head.versions}
        self.lines: dict[str, Line] = {}

    def __enter__(self) -> Book:
        if self.path is None:
            return self
        if self.path.exists():
            self.lines = {line.measured.key: line for line in self._read(self.path)}
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("ab" if self.lines else "wb")
        except OSError as error:
            raise StoreError(f"cannot write {self.path}: {error.strerror}; choose another --json") from None
        if not self.lines:
            self._write(self.run)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None):
        if self.path is not None:
            self._file.close()

    def _read(self, path: Path) -> list[Line]:
        first, *rest = path.read_bytes().splitlines() or [b""]
        if first != msgspec.json.encode(self.run):
            return []
        found = []
        for text in rest:
            try:
                found.append(msgspec.json.decode(text, type=Line))
            except msgspec.DecodeError:
                break  # the line that was being written when the run was killed
        return found

    def find(self, key: str) -> Measured | None:
        line = self.lines.get(key)
        return None if line is None else line.measured

    @property
    def notes(self) -> list[str]:
        return [line.note for line in self.lines.values() if line.note]

    def add(self, measured: Measured, note: str | None) -> None:
        self.lines[measured.key] = Line(measured, note)
        self._write(self.lines[measured.key])

    def finish(self) -> None:
        """The run is complete: its journal has served."""
        if self.path is not None:
            self.path.unlink()

    def _write(self, record: Any) -> None:
        if self.path is not None:
            self._file.write(msgspec.json.encode(record) + b"\n")
            self._file.flush()
