"""Adapters: modules that live elsewhere and register implementations when they are imported."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterable
from importlib.metadata import entry_points

from xcheck._errors import UsageError, XCheckError
from xcheck._gaps import gaps_beside
from xcheck.quantity import Implementation, registered


def import_adapter(name: str) -> None:
    """Imports a module by its dotted name; the working folder counts as a place to find it.

    A package of several adapters may have a function `load_adapters()` that imports them.

    Raises:
        UsageError: there is no such module, it cannot be executed, or a line of its file of gaps covers nothing.
    """
    if os.getcwd() not in sys.path and "" not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        module = importlib.import_module(name)
        getattr(module, "load_adapters", lambda: None)()
        check_gaps()
    except ModuleNotFoundError as error:
        missing = error.name or name
        if name == missing or name.startswith(f"{missing}."):
            raise UsageError(
                f"no module {name!r} for --adapter; give its dotted name, as importable from {os.getcwd()}"
            ) from None
        raise UsageError(f"the adapter {name!r} needs {missing!r}, which is not installed") from None
    except XCheckError as error:
        raise UsageError(f"the adapter {name!r} is broken: {error}") from error
    except Exception as error:  # a broken adapter is the user's, whatever it raises
        raise UsageError(f"the adapter {name!r} cannot be imported: {type(error).__name__}: {error}") from error


def load_entry_points() -> None:
    """Imports the modules that installed packages declare under the entry point `xcheck.implementations`.

    Raises:
        UsageError: one of them cannot be imported; the message names its package.
    """
    for point in entry_points(group="xcheck.implementations"):
        try:
            point.load()
        except Exception as error:  # a broken adapter is its package's, whatever it raises
            package = point.dist.name if point.dist else point.value
            raise UsageError(
                f"the implementations of the package {package!r} ({point.value}) cannot be imported: "
                f"{type(error).__name__}: {error}"
            ) from error
    check_gaps()


def check_gaps() -> None:
    """Each line of the file of gaps beside a module must cover something that the module registers.

    Raises:
        UsageError: one does not; the message names file and line.
    """
    declared = registered()
    for module in modules_of(declared):
        mine = [(one.quantity, one.name) for one in declared if one.module == module]
        for gap in gaps_beside(module):
            if not any(gap.declares(*one) for one in mine):
                raise UsageError(f"{gap.place}: {gap.pattern} covers no implementation that {module} registers")


def modules_of(declared: Iterable[Implementation]) -> tuple[str, ...]:
    """The modules that a worker imports to know these implementations; case files are loaded by their folder."""
    names = {implementation.module for implementation in declared}
    return tuple(sorted(name for name in names if not name.startswith("xcheck_case_") and name != "__main__"))
