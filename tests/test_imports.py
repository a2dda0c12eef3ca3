"""Imports run one way, and in no circle of files; `import xcheck` is light and needs no framework."""

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
    {"_registry", "_arguments", "_atomic", "_forms", "_stored", "_scale", "_ending", "_files", "_foreign"},
    {"arrays"},
    {"program"},
    {"_fields"},
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


#: Circles of files that are there today, each with its reason; none may be added, and one that is gone goes from here.
CIRCLES = {
    frozenset(
        f"xcheck.layerwise.{name}"
        for name in ("_bend", "_forms", "_layer", "_registry", "layers.generic", "layers.linear")
    ): "forms are pulled through layers, whose defaults are made of forms; and what has no rule becomes a layer itself",
}


def files(sources: dict[str, str]) -> dict[str, set[str]]:
    """Which module imports which, anywhere in it: for types only, and inside functions, too."""
    found: dict[str, set[str]] = {name: set() for name in sources}
    for name, source in sources.items():
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Import):
                asked = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                # A name of a package may be a module of it.
                asked = [f"{node.module}.{alias.name}" for alias in node.names]
            else:
                continue
            for other in asked:
                while other not in sources and "." in other:
                    other = other.rpartition(".")[0]

                found[name] |= {other} & set(sources) - {name, "xcheck"}
    return found


def circles(sources: dict[str, str]) -> set[frozenset[str]]:
    """Sets of modules of which each reaches every other."""
    edges = files(sources)
    reach: dict[str, set[str]] = {}
    for name in edges:
        seen, ahead = set(), list(edges[name])
        while ahead:
            other = ahead.pop()
            if other not in seen:
                seen.add(other)
                ahead += edges[other]
        reach[name] = seen
    return {frozenset(other for other in reach[name] if name in reach[other]) for name in edges if name in reach[name]}


def test_no_circle_of_files() -> None:
    names = {path: ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts) for path in MODULES}
    sources = {name.removesuffix(".__init__"): path.read_text() for path, name in names.items()}
    assert circles(sources) == set(CIRCLES)


@pytest.mark.parametrize(
    "back", ["from x.a import f", "import x.a", "def g():\n    from x import a", "if TYPE_CHECKING:\n    import x.a"]
)
def test_a_circle_is_found(back: str) -> None:
    sources = {"x.a": "from x.b import g", "x.b": "from x.c import h", "x.c": back, "x.d": "import x.a"}
    assert circles(sources) == {frozenset({"x.a", "x.b", "x.c"})}
    assert circles({**sources, "x.c": "import y.a"}) == set()


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
