"""The file of known gaps: `case/quantity/implementation/dtype/device outcome reason link` on each line; # comments.

The five are globs, several with commas between them; one that begins with ! leaves names out. The file beside an
adapter under its name, `mylib/adapter.gaps` for `mylib/adapter.py`, declares the gaps of what that module registers.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from xcheck._errors import UsageError
from xcheck._files import read_bytes
from xcheck.result import Limitation, Outcome, matches


@dataclass(frozen=True)
class Gap:
    """One line: where it stands, the globs of its ids, and the limitation that it declares.

    >>> gap = Gap("mylib.gaps, line 1", "conv_*,!conv_1d/ggn/*/*/*", Limitation("no rule", "https://example.org/1"))
    >>> [gap.covers(f"{case}/ggn/torch_mine/float64/cpu") for case in ("conv_net", "conv_1d", "tanh_mlp")]
    [True, False, False]
    """

    place: str
    pattern: str
    limitation: Limitation

    def covers(self, cell: str) -> bool:
        return all(matches(*pair) for pair in zip(cell.split("/"), self.pattern.split("/"), strict=True))

    def declares(self, quantity: str, implementation: str) -> bool:
        """Whether it is a gap of that implementation, in whatever case."""
        _, quantities, implementations, _, _ = self.pattern.split("/")
        return matches(quantity, quantities) and matches(implementation, implementations)


def read_gaps(file: Path) -> list[Gap]:
    """The gaps that a file declares.

    Raises:
        UsageError: it cannot be read, or a line is of another form.
    """
    try:
        lines = read_bytes(file).decode().splitlines()
    except UnicodeDecodeError as error:
        raise UsageError(f"cannot read {file}: {error}") from None
    return [_gap(f"{file}, line {k}", line) for k, line in enumerate(lines, 1) if line.strip() and line[0] != "#"]


def gaps_beside(module: str) -> list[Gap]:
    """The gaps in the file beside an imported module; none where there is no such file.

    Raises:
        UsageError: as `read_gaps`.
    """
    source = getattr(sys.modules.get(module), "__file__", None)
    file = Path(source).with_suffix(".gaps") if source else None
    return read_gaps(file) if file is not None and file.is_file() else []


def _gap(place: str, line: str) -> Gap:
    words = line.split()
    if len(words) < 4 or words[0].count("/") != 4 or words[1] not in set(Outcome):
        raise UsageError(
            f"{place}: {line!r}; expected case/quantity/implementation/dtype/device (globs), "
            f"an outcome such as disagrees or raised, a reason and a link"
        )
    case, quantity, _, dtype, device = words[0].split("/")
    limitation = Limitation(
        " ".join(words[2:-1]), words[-1], outcome=words[1], case=case, quantity=quantity, dtype=dtype, device=device
    )
    return Gap(place, words[0], limitation)
