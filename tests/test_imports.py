"""Imports run one way; `import xcheck` is light and needs no framework."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import xcheck

PACKAGE = Path(xcheck.__file__).parent

#: Rooms by rank: a module imports only modules of a lower rank, or of its own room.
ROOMS = (
    {"_errors", "_lazy", "_text", "_tree", "_dtypes"},
    {"_registry", "_arguments", "_atomic", "_scale", "_ending", "_files", "_foreign"},
    {"arrays"},
    {"program"},
    {"case"},
    {"result"},
    {"quantity", "_gaps", "_load"},
    {"exact"},
    {"quantities"},
    {"_store", "_address", "_reference", "_rebuild", "_export"},
    {"_judge", "_checks", "_convention", "_message", "_receive"},
    {"frameworks"},
    {"_guard"},
    {"diagnose"},
    {"_problem", "_snapshot", "_execute"},
    {"libraries"},
    {"run"},
    {"_parity", "bench"},
    {"report"},
    {"suite", "_subject"},
    {"plugin", "commands"},
    {"cli", "__main__"},
)
RANK = {room: rank for rank, rooms in enumerate(ROOMS) for room in rooms}


def imported(source: str, package: str) -> set[str]:
    """The rooms of xcheck that a module imports anywhere, inside functions too."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{package}: relative import"
            base = node.module or ""
            names = [f"xcheck.{alias.name}" for alias in node.names] if base == "xcheck" else [base]
        else:
            continue
        found |= {name.split(".")[1] for name in names if name.startswith("xcheck.")}
    return found


def offences(room: str, source: str) -> list[str]:
    """What a module of a room may not import."""
    if room == "layerwise":
        return sorted(imported(source, room) - {"layerwise"})
    allowed = {other for other, rank in RANK.items() if rank < RANK[room]} | ROOMS[RANK[room]]
    return sorted(imported(source, room) - allowed)


MODULES = sorted(
    path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py" and "_cases" not in path.parts
)


@pytest.mark.parametrize("path", MODULES, ids=[str(path.relative_to(PACKAGE)) for path in MODULES])
def test_imports_run_to_lower_ranks(path: Path) -> None:
    room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    assert room in RANK or room == "layerwise", f"{room} has no rank; give it one in ROOMS"
    assert offences(room, path.read_text()) == []


def test_an_upward_import_inside_a_function_is_found() -> None:
    assert offences("case", "def f():\n    from xcheck.run import verify\n") == ["run"]
    assert offences("layerwise", "from xcheck import case\n") == ["case"]


def test_import_needs_no_framework() -> None:
    script = "import sys, xcheck, xcheck.quantities as q; q.load_quantities(); xcheck.load_cases(); xcheck.reference; "
    script += "print(sorted({'torch', 'jax'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_public_name_exists() -> None:
    for name in xcheck.__all__:
        assert getattr(xcheck, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = xcheck.nonsense
