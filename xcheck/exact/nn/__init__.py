"""`xp.nn`: what the array API lacks, from the operations of the exact namespace; one file a family.

A primitive is a function of `xp` and its arguments, with the signature of the frameworks' `xp.nn`. Most are written as
their formula in functions that are there, and so need no rule of their own; a true function of one variable has its
Taylor rule in `functions.py` and its value in each algebra.
"""

from __future__ import annotations

from functools import partial
from types import ModuleType
from typing import Any

from xcheck._errors import UnknownPrimitive
from xcheck.exact.nn import activations, contractions, convolutions, losses, norms, pooling, softmax

FAMILIES: tuple[ModuleType, ...] = (activations, contractions, convolutions, losses, norms, pooling, softmax)
PRIMITIVES: dict[str, Any] = {name: getattr(family, name) for family in FAMILIES for name in family.__all__}


class Functions:
    """The primitives, bound to one namespace."""

    def __init__(self, xp: Any) -> None:
        self._xp = xp

    def __getattr__(self, name: str) -> Any:
        if name not in PRIMITIVES:
            raise UnknownPrimitive(
                f"the exact namespace has no xp.nn.{name}; add it to a family in xcheck/exact/nn/, by functions that "
                "are there, and to the frameworks' xp.nn under the same signature"
            )
        return partial(PRIMITIVES[name], self._xp)
