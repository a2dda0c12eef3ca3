"""Results: what a run found, its exit code, and the file that keeps it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from xcheck._files import encode
from xcheck.result import Document, Outcome, Result
from xcheck.run.journal import read_document, write_atomically

#: Settings that hold the names of a part of an id, and characters that make them globs.
NAMED = {"case": "cases", "quantity": "quantities", "implementation": "implementations"}
GLOB = frozenset("*?[!")
#: Nothing was compared.
UNJUDGED = (Outcome.UNSUPPORTED, Outcome.NO_REFERENCE)


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
        """Whether no outcome is a failure, and whatever was asked for by name has been judged."""
        return not any(result.outcome.failed or result.fault for result in self) and not self.unjudged

    @property
    def unjudged(self) -> list[str]:
        """What was asked for by name, and has no judged result: nothing judged is not success.

        Names are those that the settings give without globs; each combination of them that has cells must have a
        judged one, and without any name the run as a whole.
        """
        asked_for = self.document.settings
        named = [part for part, setting in NAMED.items() if not GLOB & set(asked_for.get(setting, "*"))]
        judged: dict[str, bool] = {}
        for one in self:
            asked = "/".join(getattr(one, part) for part in named) or "everything"
            judged[asked] = judged.get(asked, False) or one.outcome not in UNJUDGED
        return [asked for asked, any_judged in judged.items() if not any_judged]

    @property
    def exit_code(self) -> int:
        """3 where xcheck itself failed, 2 where a case or a stored file is damaged, 1 where something is not ok."""
        faults = {result.fault for result in self}
        return 3 if "xcheck" in faults else 2 if "input" in faults else 0 if self.ok else 1

    def save(self, path: str | Path) -> None:
        """Writes the final file, whole or not at all."""
        text = msgspec.json.format(encode(self.document), indent=1)
        write_atomically(path, text + b"\n")

    @classmethod
    def load(cls, path: str | Path) -> Results:
        """What `save` wrote."""
        return cls(read_document(path))
