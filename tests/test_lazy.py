"""LazyModule: nothing is imported before an attribute is asked for, and submodules are attributes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from xcheck._errors import MissingFramework
from xcheck._lazy import LazyModule


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    """A package with a submodule that it does not import, under a name of the test's own."""
    name = f"lazy_{request.node.name}"
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").write_text("two = 2\n")
    (tmp_path / name / "inner.py").write_text("three = 3\n")
    (tmp_path / name / "broken.py").write_text("import no_such_package\n")
    monkeypatch.syspath_prepend(tmp_path)
    return name


def test_it_is_imported_when_an_attribute_is_asked_for(package: str):
    module = LazyModule(package)
    assert package not in sys.modules
    assert module.two == 2
    assert f"{package}.inner" not in sys.modules


def test_a_missing_attribute_that_is_a_submodule_is_imported(package: str):
    assert LazyModule(package).inner.three == 3


def test_an_attribute_that_is_neither_there_nor_a_submodule_is_named(package: str):
    with pytest.raises(AttributeError, match="no attribute 'outer'"):
        _ = LazyModule(package).outer
    with pytest.raises(AttributeError, match="no attribute 'four'"):
        _ = LazyModule(f"{package}.inner").four


def test_a_submodule_that_cannot_be_imported_says_why(package: str):
    with pytest.raises(ModuleNotFoundError, match="no_such_package"):
        _ = LazyModule(package).broken


def test_a_missing_module_names_the_extra():
    with pytest.raises(MissingFramework, match=r"pip install 'xcheck\[no_such_framework\]'"):
        _ = LazyModule("no_such_framework").anything
