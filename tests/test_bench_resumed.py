"""A benchmark that was cut short goes on where it stopped, and what was measured outlives a full disk."""

from __future__ import annotations

from pathlib import Path

import pytest
from benching import cell

import xcheck.bench.run as run
from xcheck._errors import StoreError
from xcheck.bench.schema import Bench, Line, Measured
from xcheck.bench.tables import Selection

SETTINGS = run.Settings(tables=("products",))
GROUPS = ["hvp", "hessian_params", "hessian_blocks", "hessian_diagonal"]


class Measuring:
    """Stands for `measure`, and is interrupted at its `stop`-th group."""

    def __init__(self, stop: int = 99) -> None:
        self.stop, self.asked = stop, []

    def __call__(self, selection: Selection, *_: object) -> Line:
        self.asked.append(selection.group.quantity)
        if len(self.asked) == self.stop:
            raise KeyboardInterrupt
        measured = Measured(group=selection.group, table=selection.table, sizes={"p": 1}, cells=[cell("torch_a", 1.0)])
        return Line(measured, f"a note on {selection.group.quantity}")


def measured(monkeypatch: pytest.MonkeyPatch, path: Path, settings: run.Settings = SETTINGS, **more: int) -> list[str]:
    """The quantities that were measured, and not taken over."""
    measuring = Measuring(**more)
    monkeypatch.setattr(run, "measure", measuring)
    monkeypatch.setattr(run, "import_seconds", lambda name: 1.0)
    try:
        found = run.bench(settings, path)
    except KeyboardInterrupt:
        return measuring.asked
    assert [one.group.quantity for one in found.groups] == GROUPS
    assert found.notes == [f"a note on {name}" for name in GROUPS]
    return measuring.asked


def test_a_killed_run_goes_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "bench.jsonl"
    assert measured(monkeypatch, path, stop=3) == GROUPS[:3]
    path.write_bytes(path.read_bytes()[:-20])  # the disk got only a part of the second line
    assert measured(monkeypatch, path, stop=3) == GROUPS[1:]
    assert measured(monkeypatch, path) == GROUPS[3:]
    assert measured(monkeypatch, path) == GROUPS, "a finished run starts over"


def test_a_run_of_other_settings_starts_anew(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "bench.jsonl"
    measured(monkeypatch, path, stop=3)
    assert measured(monkeypatch, path, run.Settings(tables=("products",), budget=1.0)) == GROUPS


def test_a_file_that_cannot_be_written_costs_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path, measuring = tmp_path / "bench.jsonl", Measuring()
    monkeypatch.setattr(run, "measure", measuring)
    monkeypatch.setattr(run, "import_seconds", lambda name: 1.0)

    def full(found: Bench) -> None:
        raise StoreError("cannot write bench.json: No space left on device")

    with pytest.raises(StoreError, match="No space"):
        run.bench(SETTINGS, path, save=full)
    kept: list[Bench] = []
    run.bench(SETTINGS, path, save=kept.append)
    assert measuring.asked == GROUPS
    assert [one.group.quantity for one in kept[0].groups] == GROUPS
