"""The file of known gaps: its globs, the file beside an adapter, and that every shipped line says something."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path

import pytest

from xcheck import libraries
from xcheck._errors import UsageError
from xcheck._gaps import Gap, read_gaps
from xcheck._load import load_cases
from xcheck.quantities import load_quantities
from xcheck.quantity import implementations, registered
from xcheck.result import Limitation, matches
from xcheck.run.adapters import import_adapter
from xcheck.run.machine import sources

PACKAGE = Path(libraries.__file__).parent
FINDINGS = PACKAGE.parents[1] / "docs" / "findings.md"
SHIPPED = [gap for file in sorted(PACKAGE.glob("*.gaps")) for gap in read_gaps(file)]

ADAPTER = """
from xcheck import implements
@implements("gradient", "{name}", "torch")
def gradient(problem):
    return problem.theta
"""


@pytest.fixture
def adapter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest):
    """Writes an adapter and the file beside it; the name is the test's own, since no registration is ever undone."""
    monkeypatch.syspath_prepend(tmp_path)
    name = re.sub(r"\W", "_", request.node.name).lower()

    def write(gaps: str) -> str:
        (tmp_path / f"{name}.py").write_text(ADAPTER.format(name=name))
        (tmp_path / f"{name}.gaps").write_text(gaps)
        return name

    return write


@pytest.mark.parametrize("case", ["relu", "relu_at_kinks", "conv_net", "tanh_mlp"])
def test_a_line_and_its_limitation_cover_the_same(case: str):
    globs = "relu*, conv_?et,!*_at_kinks".replace(" ", "")
    limitation = Limitation("no rule", "https://example.org", case=globs, quantity="ggn,hvp", dtype="float64")
    gap = Gap("mylib.gaps, line 1", f"{globs}/ggn,hvp/*/float64/*", limitation)
    for quantity in ("ggn", "hvp", "vjp"):
        covered = gap.covers(f"{case}/{quantity}/torch_mine/float64/cpu")
        assert covered == limitation.covers(case, quantity, "float64", "cpu")
        assert covered == (case in ("relu", "conv_net") and quantity != "vjp")


def test_exclusions_alone_mean_nothing():
    assert not matches("relu", "!tanh_mlp")


def test_the_file_beside_an_adapter_declares_its_gaps(adapter):
    name = adapter("# known\nrelu*/gradient/*/*/* disagrees it returns theta https://example.org/1\n")
    import_adapter(name)
    (found,) = implementations("gradient")[f"torch_{name}"].limitations
    assert found == Limitation("it returns theta", "https://example.org/1", case="relu*", quantity="gradient")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("*/gradient/torch_other/*/* raised it raises https://example.org/1", "covers no implementation that"),
        ("*/hvp/*/*/* raised it raises https://example.org/1", "covers no implementation that"),
        ("*/gradient/*/*/* fails it raises https://example.org/1", "expected case/quantity/implementation"),
    ],
)
def test_a_line_that_declares_nothing_is_an_error_with_its_place(adapter, line: str, said: str):
    name = adapter(f"# the second line\n{line}\n")
    try:
        with pytest.raises(UsageError, match=rf"{name}\.gaps, line 2: .*{said}"):
            import_adapter(name)
    finally:  # later imports look at every registered module again
        Path(importlib.import_module(name).__file__ or "").with_suffix(
            ".gaps"
        ).unlink() if name in sys.modules else None


def test_a_line_that_is_edited_starts_a_run_over(adapter, tmp_path: Path):
    name = adapter("*/gradient/*/*/* raised it raises https://example.org/1\n")
    import_adapter(name)
    before = sources(tmp_path, [name])
    adapter("*/gradient/*/*/* disagrees it raises https://example.org/1\n")
    assert sources(tmp_path, [name]) != before


def test_every_shipped_file_lies_beside_an_adapter():
    assert {file.stem for file in PACKAGE.glob("*.gaps")} <= set(libraries.LIBRARIES)
    assert len(SHIPPED) > 50


@pytest.mark.parametrize("gap", SHIPPED, ids=lambda gap: gap.place.rpartition("/")[2])
def test_every_shipped_line_covers_a_cell_with_each_of_its_globs(gap: Gap):
    libraries.load_adapters()
    load_quantities()
    module = f"{libraries.__name__}.{Path(gap.place.partition(',')[0]).stem}"
    cells = [
        (name, one.quantity, one.name)
        for one in registered()
        if one.module == module
        for name, case in load_cases().items()
        if one.quantity in case.quantities
    ]
    covered = [cell for cell in cells if gap.declares(*cell[1:])]
    for axis, globs in enumerate(gap.pattern.split("/")[:3]):
        for glob in globs.split(","):
            among = cells if glob.startswith("!") else covered
            assert any(matches(cell[axis], glob.removeprefix("!")) for cell in among), glob


@pytest.mark.parametrize("link", sorted({gap.limitation.link for gap in SHIPPED}))
def test_every_shipped_link_leads_somewhere(link: str):
    if not link.startswith("https://"):
        page, _, anchor = link.partition("#")
        assert page == "docs/findings.md"
        headings = re.findall(r"^### (.*)", FINDINGS.read_text(encoding="utf-8"), re.MULTILINE)
        slugs = [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]
        numbers = re.findall(r'<a id="(\d+)"></a>\n\n### \1\. ', FINDINGS.read_text(encoding="utf-8"))
        assert anchor in (*slugs, *numbers)
