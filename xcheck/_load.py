"""load_cases: case files to cases; a case is one file in a folder, and there is nothing to register."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from types import MappingProxyType, ModuleType

from xcheck._errors import CaseError, XCheckError
from xcheck._registry import Registry
from xcheck.case import Case


def shipped_folder() -> Path:
    """Where the shipped cases lie: inside the wheel, or beside the package in an editable install."""
    package = Path(__file__).parent
    return package / "_cases" if (package / "_cases").is_dir() else package.parent / "cases"


def load_cases(path: str | Path | None = None) -> MappingProxyType[str, Case]:
    """The shipped cases, or those of a folder; every module-level `Case` of every `*.py` file in it.

    Raises:
        CaseError: no such folder, a file that cannot be executed, or one without a case.
        DuplicateName: two cases of one name.

    >>> "tanh_mlp" in load_cases()
    True
    """
    if path is None:
        return _with_entry_points(shipped_folder())
    folder = Path(path).resolve()
    if not folder.is_dir():
        raise CaseError(f"no folder {folder} to load cases from; --cases takes a folder of case files")
    return _load(folder)


@cache
def _with_entry_points(folder: Path) -> MappingProxyType[str, Case]:
    """The cases of a folder, and those of the modules that installed packages declare under `xcheck.cases`."""
    found: Registry[Case] = Registry("case")
    for name, case in _load(folder).items():
        found.add(name, case)
    for point in entry_points(group="xcheck.cases"):
        try:
            module = point.load()
        except Exception as error:  # a broken case file is its package's, whatever it raises
            package = point.dist.name if point.dist else point.value
            raise CaseError(f"the cases of the package {package!r} cannot be loaded: {error}") from error
        for case in (case for value in vars(module).values() for case in _cases_in(value)):
            found.add(case.name, case.at(Path(module.__file__ or ".").parent / "values"))
    return MappingProxyType(dict(found))


@cache
def _load(folder: Path) -> MappingProxyType[str, Case]:
    found: Registry[Case] = Registry("case")
    for file in sorted(folder.glob("*.py")):
        module = _execute(file)
        declared = [case for value in vars(module).values() for case in _cases_in(value)]
        if not declared:
            raise CaseError(f"{file} declares no case; assign at least one xcheck.Case(...) to a module variable")
        for case in declared:
            found.add(case.name, case.at(folder / "values"))
    if not found:
        raise CaseError(f"{folder} holds no case file (*.py)")
    return MappingProxyType(dict(found))


def _cases_in(value: object) -> list[Case]:
    if isinstance(value, Case):
        return [value]
    return [case for case in value if isinstance(case, Case)] if isinstance(value, (tuple, list)) else []


def _execute(file: Path) -> ModuleType:
    name = f"xcheck_case_{file.stem}_{hashlib.sha256(str(file).encode()).hexdigest()[:8]}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise CaseError(f"{file} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except XCheckError as error:
        raise CaseError(f"{file}: {error}") from error
    except Exception as error:  # a broken case file is the user's, whatever it raises
        raise CaseError(f"{file} cannot be executed: {type(error).__name__}: {error}") from error
    return module
