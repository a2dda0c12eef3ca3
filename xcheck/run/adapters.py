"""Adapters: modules that live elsewhere and register implementations when they are imported."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from importlib.metadata import EntryPoint, entry_points

from xcheck._errors import UnknownName, UsageError
from xcheck._foreign import foreign, left_out, load
from xcheck._gaps import gaps_beside
from xcheck._registry import unknown
from xcheck.quantities import load_quantities
from xcheck.quantity import Implementation, registered, withdraw, withdraw_unloaded


def import_adapter(name: str) -> None:
    """Imports a module by its dotted name; the working folder counts as a place to find it.

    A package of several adapters may have a function `load_adapters()` that imports them.

    Raises:
        UsageError: there is no such module, it cannot be executed, or what it registers cannot be.
    """
    if os.getcwd() not in sys.path and "" not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        module = load(name, "the adapter")
        with foreign(f"the adapter {name!r} cannot be imported"):
            getattr(module, "load_adapters", lambda: None)()
            check_registered(_within(name))
    except UsageError as error:
        _take_back(name)
        cause = error.__cause__
        if not isinstance(cause, ModuleNotFoundError) or not cause.name:
            raise
        if name == cause.name or name.startswith(f"{cause.name}."):
            raise UsageError(
                f"no module {name!r} for --adapter; give its dotted name, as importable from {os.getcwd()}"
            ) from None
        raise UsageError(f"the adapter {name!r} needs {cause.name!r}, which is not installed") from None


def _take_back(name: str) -> None:
    withdraw_unloaded()
    withdraw(_within(name))


def load_entry_points() -> None:
    """Imports the modules that installed packages declare under the entry point `xcheck.implementations`.

    A package whose module is broken is named, and what it registers is left out; it blocks nothing else.
    """
    for point in entry_points(group="xcheck.implementations"):
        try:
            _load_point(point)
        except UsageError as error:
            _take_back(point.module)
            left_out(error)
    check_registered(lambda module: module == "__main__")  # what the running script registers is the user's own


def _load_point(point: EntryPoint) -> None:
    package = point.dist.name if point.dist else point.value
    with foreign(f"the implementations of the package {package!r} ({point.value}) cannot be imported"):
        point.load()
        check_registered(_within(point.module))


def _within(package: str) -> Callable[[str], bool]:
    return lambda module: module == package or module.startswith(f"{package}.")


def check_registered(of: Callable[[str], bool]) -> None:
    """What modules registered must be of quantities that there are, and each line of the gaps beside must cover some.

    Raises:
        UsageError: it is not; the message names the implementation, or file and line.
    """
    declared = [one for one in registered() if of(one.module)]
    quantities = load_quantities()
    for one in declared:
        if one.quantity not in quantities:
            raise UnknownName(f"{one.module} registers {one.name}: {unknown('quantity', one.quantity, quantities)}")
    for module in modules_of(declared):
        mine = [(one.quantity, one.name) for one in declared if one.module == module]
        for gap in gaps_beside(module):
            if not any(gap.declares(*one) for one in mine):
                raise UsageError(f"{gap.place}: {gap.pattern} covers no implementation that {module} registers")


def modules_of(declared: Iterable[Implementation]) -> tuple[str, ...]:
    """The modules that a worker imports to know these implementations; case files are loaded by their folder."""
    names = {implementation.module for implementation in declared}
    return tuple(sorted(name for name in names if not name.startswith("xcheck_case_") and name != "__main__"))
