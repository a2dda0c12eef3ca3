"""The file `reports/bench.json`: what was measured, how, and on which machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from xcheck._errors import StoreError
from xcheck._files import read_json
from xcheck.result import Outcome
from xcheck.run.journal import write_atomically

SCHEMA = "xcheck.bench/1"


class Estimate(msgspec.Struct, frozen=True):
    """A median and its 95 % interval."""

    median: float
    low: float
    high: float

    @property
    def half_width(self) -> float:
        """Half of the interval, as a share of the median."""
        return (self.high - self.low) / (2 * self.median)


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """What is compared with each other: one quantity of one case, in one dtype, on one device, with so many threads."""

    case: str
    quantity: str
    dtype: str = "float32"
    device: str = "cpu"
    threads: int = 1

    @property
    def id(self) -> str:
        return f"{self.case}/{self.quantity}/{self.dtype}/{self.device}/{self.threads}"


def key(table: str, group: Group) -> str:
    """A group may answer the questions of several tables, each with implementations of its own."""
    return f"{table}/{group.id}"


class Cell(msgspec.Struct, kw_only=True):
    """One implementation in one group; times in seconds, memory in bytes.

    `first` is the first call, compilation included, `again` one later call, `seconds` the steady state; `ratio` is to
    the group's baseline, from rounds that both took part in; `fraction` is the least possible time over the measured
    one; `peak` is memory above the state before the call, result included.
    """

    implementation: str
    framework: str
    variant: str
    outcome: Outcome
    reason: str | None = None
    judged_by: str | None = None
    judged_ratio: float | str | None = None
    prepare: float | None = None
    first: float | None = None
    again: float | None = None
    seconds: Estimate | None = None
    cpu: float | None = None
    faults: float | None = None
    rounds: int = 0
    repeat: int = 1
    ratio: Estimate | None = None
    fraction: float | None = None
    peak: int | None = None
    result_bytes: int | None = None
    compiled_bytes: int | None = None

    @property
    def ranked(self) -> bool:
        """Whether it is right, was timed, and is no faster than the machine can be."""
        return self.outcome is Outcome.AGREES and self.seconds is not None and self.reason is None


class Roof(msgspec.Struct, frozen=True, kw_only=True):
    """What the machine reached in the same rounds, and the least time that it leaves for the quantity."""

    flops_per_second: float
    bytes_per_second: float
    least_flops: float
    least_bytes: float
    floor: float


class Measured(msgspec.Struct, kw_only=True):
    """A group with its cells; `settled` says whether every ratio came within the wanted interval."""

    group: Group
    table: str
    sizes: dict[str, int]
    baseline: str | None = None
    cells: list[Cell] = []
    roof: Roof | None = None
    settled: bool = False
    spent: float = 0.0
    processes: int = 1

    @property
    def key(self) -> str:
        return key(self.table, self.group)

    @property
    def refused(self) -> list[Cell]:
        """What was run and is not ranked: wrong, impossible, lost, or too slow to finish."""
        return [cell for cell in self.cells if not cell.ranked and cell.outcome is not Outcome.UNSUPPORTED]

    @property
    def unsupported(self) -> list[Cell]:
        return [cell for cell in self.cells if cell.outcome is Outcome.UNSUPPORTED]

    @property
    def ranking(self) -> list[Cell]:
        """The right cells, fastest first: by the paired ratio, which a drift of the clock leaves alone."""
        named = (cell for cell in self.cells if cell.implementation == self.baseline and cell.seconds)
        base = next(map(_median, named), 1.0)
        return sorted(
            (cell for cell in self.cells if cell.ranked),
            key=lambda cell: cell.ratio.median if cell.ratio else _median(cell) / base,
        )


class Bench(msgspec.Struct, kw_only=True):
    """The whole file."""

    schema: str = SCHEMA
    machine: dict[str, Any] = {}
    versions: dict[str, str] = {}
    settings: dict[str, Any] = {}
    groups: list[Measured] = []
    notes: list[str] = []


def _median(cell: Cell) -> float:
    assert cell.seconds is not None
    return cell.seconds.median


class Line(msgspec.Struct):
    """What the journal keeps of one group: its figures, and what was noted of it."""

    measured: Measured
    note: str | None = None


def save(bench: Bench, path: Path) -> None:
    """Writes the file, whole or not at all."""
    write_atomically(path, msgspec.json.format(msgspec.json.encode(bench), indent=1) + b"\n")


def load(path: Path) -> Bench:
    """What `save` wrote.

    Raises:
        StoreError: there is no such file, or it is of another schema.
    """
    bench = read_json(path, Bench, "file of xcheck bench", "write one with: xcheck bench")
    if bench.schema != SCHEMA:
        raise StoreError(f"{path} has schema {bench.schema!r}, expected {SCHEMA!r}; measure again")
    return bench
