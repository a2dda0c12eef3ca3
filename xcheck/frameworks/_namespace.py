"""Namespace: an array API module with an `nn` of its own."""

from __future__ import annotations

from typing import Any


class Namespace:
    """Everything of an array API module, and `nn`; imports the module on first use."""

    def __init__(self, arrays: Any, nn: Any) -> None:
        self.arrays = arrays
        self.nn = nn

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # pickle and copy ask for these before __init__ has run
            raise AttributeError(name)
        return getattr(self.arrays, name)

    def __repr__(self) -> str:
        return f"<namespace of {self.arrays!r}>"
