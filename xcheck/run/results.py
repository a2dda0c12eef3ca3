"""Results: what a run found, its exit code, and the file that keeps it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from xcheck._files import encode
from xcheck.result import Document, Result
from xcheck.run.journal import read_document, write_atomically


class Results:
    """The results of one run, in the order of its plan.

    >>> Results(Document()).exit_code
    0
    """

    def __init__(self, document: Document) -> None:
        self.document = document

    def __iter__(self) -> Iterator[Result]:
        return iter(self.document.results)

    def __len__(self) -> int:
        return len(self.document.results)

    @property
    def ok(self) -> bool:
        """Whether no outcome is a failure."""
        return not any(result.outcome.failed for result in self)

    @property
    def exit_code(self) -> int:
        """0, or 1 where something failed."""
        return 0 if self.ok else 1

    def save(self, path: str | Path) -> None:
        """Writes the final file, whole or not at all."""
        text = msgspec.json.format(encode(self.document), indent=1)
        write_atomically(path, text + b"\n")

    @classmethod
    def load(cls, path: str | Path) -> Results:
        """What `save` wrote."""
        return cls(read_document(path))
