"""The rooms whose code is changed, each with the tests that are meant to notice."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Room:
    """Globs from the root: of the code, and of the tests; the code's own doctests are among its tests."""

    code: tuple[str, ...]
    tests: tuple[str, ...]

    @property
    def files(self) -> list[Path]:
        return found(self.code)

    @property
    def test_files(self) -> list[Path]:
        return found(self.tests)


def found(globs: Iterable[str]) -> list[Path]:
    return sorted({path for glob in globs for path in ROOT.glob(glob)})


def tests(names: str) -> tuple[str, ...]:
    return tuple(f"tests/test_{name}.py" for name in names.split())


ROOMS: dict[str, Room] = {
    "exact": Room(
        code=("xcheck/exact/**/*.py",),
        tests=("tests/exact/test_*.py", *tests("program losses cases lazy arrays precision kfac_factors quantities")),
    ),
    "judging": Room(
        code=("xcheck/_judge.py", "xcheck/_checks.py", "xcheck/_message.py", "xcheck/_receive.py",
              "xcheck/_convention.py", "xcheck/judging/**/*.py"),
        tests=tests(
            "judg* receive convention* mistakes problem* planted* diagnose* precision right lines suite cli algorithms "
            "guard"
        ),
    ),
    "diagnose": Room(
        code=("xcheck/diagnose/**/*.py", "xcheck/judging/diagnosis/**/*.py"),
        tests=tests(
            "diagnos* mistakes precision zoo* planted* judg* explain* parity* cli search unexplained batches reported"
        ),
    ),
    "execution": Room(
        code=("xcheck/run/**/*.py", "xcheck/_execute.py", "xcheck/execution/**/*.py"),
        tests=tests(
            "cli plan* pool* journal* outcomes* work* lines gaps suite plugin exchange* frameworks problem* coverage "
            "registry summary rebuild adopting case cases execut* settings fingerprint classify files foreign results"
        ),
    ),
    "layerwise": Room(
        code=("xcheck/layerwise/**/*.py",),
        tests=("tests/layerwise/test_*.py", *tests("diagonal_backprop kfac_factors")),
    ),
}  # fmt: skip
