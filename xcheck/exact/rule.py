"""Rule: what is certified."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol


class Rule(Protocol):
    """A quantity, or anything else that has a rule in exact arithmetic and a guard."""

    @property
    def name(self) -> str: ...
    @property
    def wrt(self) -> str: ...
    @property
    def order(self) -> int: ...
    @property
    def needs_loss(self) -> bool: ...
    @property
    def reference(self) -> Callable[[Any], Mapping[str, Any]]: ...
    @property
    def guard(self) -> Callable[[Any, Mapping[str, Any]], Iterable[Any]]: ...
