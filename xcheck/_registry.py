"""One registry for everything that is looked up by name."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import TypeVar

from xcheck._errors import DuplicateName, UnknownName, UsageError
from xcheck._text import shown

T = TypeVar("T")
_NAME = re.compile(r"[a-z][a-z0-9_]*")


class Registry(Mapping[str, T]):
    """Names to things, in the order of their declaration.

    A name that is taken raises `DuplicateName`; an unknown one raises `UnknownName` and suggests the nearest.

    >>> colours = Registry("colour")
    >>> colours.add("red", 1)
    >>> colours["rde"]
    Traceback (most recent call last):
    ...
    xcheck._errors.UnknownName: unknown colour 'rde'; did you mean 'red'?
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._items: dict[str, T] = {}

    def add(self, name: str, item: T) -> None:
        check_name(self.kind, name)
        self.refuse_twice(name)
        self._items[name] = item

    def refuse_twice(self, name: str) -> None:
        if name in self._items:
            raise DuplicateName(f"{self.kind} {name!r} is declared twice; every {self.kind} needs a name of its own")

    def withdraw(self, gone: Callable[[T], bool]) -> None:
        """Forgets what is gone, such as what a module registered that could not be imported to its end."""
        for name in [name for name, item in self._items.items() if gone(item)]:
            del self._items[name]

    def __getitem__(self, name: str) -> T:
        try:
            return self._items[name]
        except KeyError:
            raise UnknownName(unknown(self.kind, name, self._items)) from None

    def __contains__(self, name: object) -> bool:
        return name in self._items

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def matching(self, pattern: str) -> list[T]:
        """What a glob matches, or several globs separated by commas; one that matches nothing raises `UnknownName`."""
        found: dict[str, T] = {}
        for glob in pattern.split(","):
            hits = {name: item for name, item in self._items.items() if fnmatchcase(name, glob.strip())}
            if not hits:
                raise UnknownName(unknown(self.kind, glob.strip(), self._items))
            found |= hits
        return list(found.values())


def check_name(kind: str, name: str) -> None:
    """Names become parts of ids, so they are plain: `[a-z][a-z0-9_]*`."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise UsageError(f"{kind} name {shown(name)} does not match [a-z][a-z0-9_]*: use small letters, digits and _")


def unknown(kind: str, name: str, known: Mapping[str, object]) -> str:
    """The one line that an unknown name gets."""
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    if near:
        return f"unknown {kind} {shown(name)}; did you mean {near[0]!r}?"
    listed = ", ".join(list(known)[:8]) + (", ..." if len(known) > 8 else "")
    return f"unknown {kind} {shown(name)}; known: {listed or 'none'}"
