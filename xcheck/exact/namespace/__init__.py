"""The front end: an array API namespace `xp` over any algebra, so that a program runs in it unchanged."""

from __future__ import annotations

from typing import Any

from xcheck._errors import UnknownPrimitive
from xcheck.exact.namespace.array import Array
from xcheck.exact.namespace.condition import Condition
from xcheck.exact.namespace.creation import Creation
from xcheck.exact.namespace.integers import IntegerArray
from xcheck.exact.namespace.reductions import Reductions
from xcheck.exact.nn import Functions


class Namespace(Reductions, Creation):
    """Array API functions by the operations of one algebra; `nn` holds what the array API lacks.

    `framework` says whose convention holds at exact kinks; without one they are `Undecidable`.
    """

    def __init__(self, alg: Any, framework: str | None = None) -> None:
        self.alg = alg
        self.framework = framework
        self.nn = Functions(self)

    def __getattr__(self, name: str) -> Any:
        raise UnknownPrimitive(
            f"the exact namespace has no xp.{name}; add it to xcheck/exact/namespace/ by the algebra's operations"
        )


__all__ = ["Array", "Condition", "IntegerArray", "Namespace"]
