"""Names that all cells of a process share, and what they stand for: functions, methods, settings, cases, registries."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from operator import attrgetter, is_
from types import FunctionType
from typing import Any

from xcheck._registry import Registry

#: Modules whose names are looked at, where they are loaded; all modules of xcheck are.
MODULES = (
    "builtins", "copyreg", "decimal", "functools", "gc", "itertools", "json", "locale", "math", "operator", "os",
    "pickle", "random", "signal", "sys", "threading", "time", "traceback", "warnings",
    "numpy", "numpy.linalg", "numpy.random", "msgspec", "msgspec.json",
    "torch", "torch.autograd", "torch.autograd.forward_ad", "torch.autograd.functional", "torch.autograd.function",
    "torch.fft", "torch.func", "torch.linalg", "torch.nn", "torch.nn.functional", "torch.nn.init",
    "torch.nn.utils.stateless", "torch.special", "torch._functorch.apis", "torch._functorch.eager_transforms",
    "torch._functorch.functional_call", "torch._functorch.vmap", "array_api_compat.torch",
    "jax", "jax.lax", "jax.nn", "jax.numpy", "jax.numpy.linalg", "jax.random", "jax.scipy.special", "jax.tree",
    "jax.tree_util",
)  # fmt: skip
#: Classes whose methods are looked at besides xcheck's own and PyTorch's layers.
CLASSES = ("torch.Tensor", "torch.nn.Module", "torch.autograd.Function", "jax.Array")
OWN = "xcheck"
LAYERS = "torch.nn.modules"

Namespace = Mapping[Any, Any]


class Names:
    """What each name stood for when it was first looked at, so that one that stands for something else can be told.

    A name that is new is no change: modules are loaded and caches filled when they are first asked for.
    """

    def __init__(self, objects: Iterable[Any] = ()) -> None:
        """`objects` are looked into as well: cases, quantities, implementations."""
        self._objects, self._loaded = tuple(objects), 0
        self._seen: dict[str, tuple[Namespace, tuple[Any, ...], tuple[Any, ...]]] = {}
        self._functions: list[FunctionType] = []
        self._bodies: list[tuple[Any, ...]] = []
        self.renew()

    def renew(self) -> None:
        """Looks at what has been loaded since."""
        if len(sys.modules) == self._loaded:
            return
        self._loaded = len(sys.modules)
        for label, space in (*_spaces(), *_inside(self._objects)):
            if label not in self._seen:
                self._seen[label] = space, tuple(space), tuple(space.values())
        functions = {id(one): one for _, _, values in self._seen.values() for one in values if _written(one)}
        self._functions = list(functions.values())
        self._bodies = _bodies(self._functions)

    def changed(self) -> Iterator[str]:
        """The names that stand for something else now, or for nothing."""
        for label, (space, names, values) in self._seen.items():
            if len(space) >= len(values) and all(map(is_, values, space.values())):
                continue
            for name, value in zip(names, values, strict=True):
                now = space.get(name, Names)
                if now is not value and name != "_":  # the last value of an interactive interpreter
                    yield f"{label}.{name} {'is gone' if now is Names else 'stands for something else'}"
        for before, after in zip(self._bodies, _bodies(self._functions), strict=True):
            if not all(map(is_, before, after)):
                (k, *_) = (k for k, pair in enumerate(zip(before, after, strict=True)) if pair[0] is not pair[1])
                yield f"{self._functions[k].__module__}.{self._functions[k].__qualname__} has another body"


def _written(value: Any) -> bool:
    return type(value) is FunctionType


def _bodies(functions: list[FunctionType]) -> list[tuple[Any, ...]]:
    return [tuple(map(attrgetter(part), functions)) for part in ("__code__", "__defaults__", "__kwdefaults__")]


def _inside(objects: Iterable[Any]) -> Iterator[tuple[str, Namespace]]:
    for one in objects:
        kind = type(one).__name__.lower()
        yield f"{kind} {getattr(one, 'quantity', '')}{'/' if hasattr(one, 'quantity') else ''}{one.name}", vars(one)


def _tables(label: str, value: Any) -> Iterator[tuple[str, Namespace]]:
    """A dict of a module, or a registry; and the registries in a dict."""
    if isinstance(value, Registry):
        yield label, vars(value)["_items"]
    elif isinstance(value, dict):
        yield label, value
        for name, inner in tuple(value.items()):
            if isinstance(inner, Registry):
                yield from _tables(f"{label}.{name}", inner)


def _spaces() -> Iterator[tuple[str, Namespace]]:
    """Labels and namespaces: modules, the tables of xcheck's modules, classes, and the list of modules itself."""
    yield "sys.modules", sys.modules
    modules = [
        name
        for name, module in sys.modules.items()
        if (name in MODULES or name.split(".")[0] == OWN) and hasattr(module, "__dict__")  # None bars a module
    ]
    classes: dict[str, type] = {}
    for name in modules:
        space = vars(sys.modules[name])
        yield name, space
        for word, value in tuple(space.items()):
            if isinstance(value, type) and (value.__module__.startswith((OWN, LAYERS)) or f"{name}.{word}" in CLASSES):
                classes[f"{value.__module__}.{value.__qualname__}"] = value
            elif name.split(".")[0] == OWN and word.lstrip("_").isupper():
                yield from _tables(f"{name}.{word}", value)
    for label, one in classes.items():
        yield label, vars(one)
