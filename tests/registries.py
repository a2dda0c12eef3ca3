"""What a test registers ends with it: implementations, and layers; otherwise the next test finds them, or does not."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from xcheck._load import shipped_folder


def _shipped(module: str) -> bool:
    """What belongs to the package, cases too, stays, whoever imports it first: it registers once in a process."""
    file = getattr(sys.modules.get(module), "__file__", None)
    return module.startswith("xcheck.") or (file is not None and Path(file).parent == shipped_folder())


def _owner(item: object) -> str:
    """The module that registered something: an implementation has a function, a layer is a class."""
    return getattr(item, "function", item).__module__


def _registries() -> list[dict[object, object]]:
    """Those of the modules that are imported by now; a module that is not has registered nothing."""
    found = []
    if quantity := sys.modules.get("xcheck.quantity"):
        found += [registry._items for registry in quantity._IMPLEMENTATIONS.values()]
    if layers := sys.modules.get("xcheck.layerwise._registry"):
        found.append(layers._LAYERS)
    return found


@contextmanager
def restored() -> Iterator[None]:
    """Takes out what others register within, and puts back what they replace.

    Their modules are forgotten, too: imported again, they register again.
    """
    # The registries are kept, too: one that is replaced must not leave its id to another.
    before = [(registry, dict(registry)) for registry in _registries()]
    modules = set(sys.modules)
    path = list(sys.path)
    yield
    sys.path[:] = path
    for registry in _registries():
        known = next((items for one, items in before if one is registry), {})
        for name, item in list(registry.items()):
            if known.get(name) is item or (name not in known and _shipped(_owner(item))):
                continue
            del registry[name]
            if name in known:
                registry[name] = known[name]
            if _owner(item) not in modules:
                sys.modules.pop(_owner(item), None)
