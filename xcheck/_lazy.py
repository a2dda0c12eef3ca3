"""torch and jax as proxies that import on first use, so that `import xcheck` needs neither.

>>> from xcheck._lazy import jax
>>> jax
<lazy module 'jax'>
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import TYPE_CHECKING, Any

from xcheck._errors import MissingFramework

if TYPE_CHECKING:
    import jax
    import torch


#: What xcheck does without, and is an extra of its own.
FRAMEWORKS = ("torch", "jax")


class LazyModule:
    """A module that is imported when one of its attributes is first asked for.

    A submodule is an attribute, too, imported or not; what is neither there nor a submodule raises AttributeError.

    >>> LazyModule("xml").sax.SAXException
    <class 'xml.sax._exceptions.SAXException'>
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        try:
            module = importlib.import_module(self._name)
        except ModuleNotFoundError as error:
            absent = (error.name or "").split(".")[0]
            if absent not in (self._name, *FRAMEWORKS):
                raise
            raise MissingFramework(
                f"{absent} is not installed, and this needs it: pip install 'xcheck[{absent}]'"
            ) from None
        try:
            return getattr(module, attribute)
        except AttributeError:
            if not installed(f"{self._name}.{attribute}"):
                raise
        return importlib.import_module(f"{self._name}.{attribute}")

    def __repr__(self) -> str:
        return f"<lazy module {self._name!r}>"


def installed(name: str) -> bool:
    """Whether a module can be imported, found without importing it."""
    try:
        return importlib.util.find_spec(name) is not None
    except (ModuleNotFoundError, ValueError):
        return False


if not TYPE_CHECKING:
    torch = LazyModule("torch")
    jax = LazyModule("jax")

__all__ = ["LazyModule", "installed", "jax", "torch"]
