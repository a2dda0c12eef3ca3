"""The file of known gaps: `case/quantity/implementation/dtype/device outcome reason link` on each line; # comments."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from xcheck._errors import UsageError
from xcheck.result import Limitation, Outcome


@dataclass(frozen=True)
class Gap:
    """One line: the globs of its id, and the limitation that it declares.

    >>> gap = Gap(1, "conv_*/ggn/*/*/*", Limitation("no rule", "https://example.org/1", outcome="raised"))
    >>> gap.covers("conv_net/ggn/torch_mine/float64/cpu"), gap.covers("tanh_mlp/ggn/torch_mine/float64/cpu")
    (True, False)
    """

    line: int
    pattern: str
    limitation: Limitation

    def covers(self, cell: str) -> bool:
        return all(fnmatchcase(*pair) for pair in zip(cell.split("/"), self.pattern.split("/"), strict=True))


def read_gaps(file: Path) -> list[Gap]:
    """The gaps that a file declares.

    Raises:
        UsageError: it cannot be read, or a line is of another form.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise UsageError(f"cannot read the limitations {file}: {error.strerror or error}") from None
    return [_gap(k, line, file) for k, line in enumerate(lines, 1) if line.strip() and not line.startswith("#")]


def _gap(number: int, line: str, file: Path) -> Gap:
    words = line.split()
    if len(words) < 4 or words[0].count("/") != 4 or words[1] not in set(Outcome):
        raise UsageError(
            f"{file}, line {number}: {line!r}; expected case/quantity/implementation/dtype/device (globs), "
            f"an outcome such as disagrees or raised, a reason and a link"
        )
    case, quantity, _, dtype, device = words[0].split("/")
    limitation = Limitation(
        " ".join(words[2:-1]), words[-1], outcome=words[1], case=case, quantity=quantity, dtype=dtype, device=device
    )
    return Gap(number, words[0], limitation)
