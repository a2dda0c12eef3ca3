"""load_cases: case files to cases; a case is one file in a folder, and there is nothing to register."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from types import MappingProxyType, ModuleType

from xcheck._errors import CaseError, UsageError
from xcheck._files import path_of
from xcheck._foreign import foreign, left_out
from xcheck._registry import Registry
from xcheck.case import Case
from xcheck.quantity import withdraw_unloaded


def shipped_folder() -> Path:
    """Where the shipped cases lie: inside the wheel, or beside the package in an editable install."""
    package = Path(__file__).parent
    return package / "_cases" if (package / "_cases").is_dir() else package.parent / "cases"


def load_cases(path: str | Path | None = None) -> MappingProxyType[str, Case]:
    """The shipped cases, or those of a file or a folder; every module-level `Case` of every `*.py` file in it.

    Installed packages add theirs to the shipped ones; a package whose cases cannot be loaded is named and left out.

    Raises:
        CaseError: no such file or folder, a file that cannot be executed, or one without a case.
        DuplicateName: two cases of one name.

    >>> "tanh_mlp" in load_cases()
    True
    """
    if path is None:
        return _with_entry_points(shipped_folder())
    place = path_of("cases", path).resolve()
    if not place.is_dir() and not place.is_file():
        raise CaseError(f"no file or folder {place} to load cases from; --cases takes a case file or a folder of them")
    found = _load(place)
    for case in found.values():
        with foreign(f"{place}: the values of case {case.name!r} cannot be made", CaseError):
            _demand_values(case)
    return found


def _demand_values(case: Case) -> None:
    """What every use of a case asks of its values, asked while it is known whose they are."""
    _ = case.p, case.holds_in_float32
    if not case.n:
        raise CaseError("its inputs have no example; expected at least one, along their first axis")


@cache
def _with_entry_points(folder: Path) -> MappingProxyType[str, Case]:
    """The cases of a folder, and those of the modules that installed packages declare under `xcheck.cases`."""
    found: Registry[Case] = Registry("case")
    for name, case in _load(folder).items():
        found.add(name, case)
    for point in entry_points(group="xcheck.cases"):
        package = point.dist.name if point.dist else point.value
        try:
            with foreign(f"the cases of the package {package!r} cannot be loaded", CaseError):
                module = point.load()
                theirs = _declared(module, Path(module.__file__ or ".").parent / "values")
                for case in theirs:
                    found.refuse_twice(case.name)
                    _demand_values(case)
        except UsageError as error:
            withdraw_unloaded()
            left_out(error)
            continue
        for case in theirs:
            found.add(case.name, case)
    return MappingProxyType(dict(found))


@cache
def _load(place: Path) -> MappingProxyType[str, Case]:
    found: Registry[Case] = Registry("case")
    for file in [place] if place.is_file() else sorted(place.glob("*.py")):
        for case in _execute(file):
            found.add(case.name, case)
    if not found:
        raise CaseError(f"{place} holds no case file (*.py)")
    return MappingProxyType(dict(found))


def _declared(module: ModuleType, values: Path) -> list[Case]:
    return [case.at(values) for value in vars(module).values() for case in _cases_in(value)]


def _cases_in(value: object) -> list[Case]:
    if isinstance(value, Case):
        return [value]
    return [case for case in value if isinstance(case, Case)] if isinstance(value, (tuple, list)) else []


def _execute(file: Path) -> list[Case]:
    """The cases of one file; what a broken one registered before it failed is taken back."""
    name = f"xcheck_case_{file.stem}_{hashlib.sha256(os.fsencode(file)).hexdigest()[:8]}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None or not file.is_file():
        raise CaseError(f"{file} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        with foreign(f"{file} cannot be executed", CaseError):
            spec.loader.exec_module(module)
            cases = _declared(module, file.parent / "values")
    except BaseException:
        del sys.modules[name]
        withdraw_unloaded()
        raise
    if not cases:
        raise CaseError(f"{file} declares no case; assign at least one xcheck.Case(...) to a module variable")
    return cases
