"""The quantities, one file each: formula, shapes, reference rule, torch and jax implementations side by side."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from xcheck._registry import Registry
from xcheck.quantity import QUANTITIES, Quantity


@cache
def load_quantities() -> Registry[Quantity]:
    """All quantities that xcheck declares, in alphabetical order of their files; frameworks are not imported."""
    for module in pkgutil.iter_modules(__path__):
        if not module.name.startswith("_"):
            importlib.import_module(f"{__name__}.{module.name}")
    return QUANTITIES
