"""The functions that a program calls by name: what they are given, and other functions in their place."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from xcheck.case import Case
from xcheck.diagnose._hypothesis import Evidence
from xcheck.diagnose._mistake import with_program
from xcheck.diagnose._rerun import rerun

#: What is called in place of a function of `xp`: with `xp`, and with what the program hands over.
Function = Callable[..., Any]


class Altered:
    """A namespace that lets `other` replace its functions, by name ("tanh", "nn.relu"); None leaves one as it is."""

    def __init__(self, xp: Any, other: Callable[[str], Function | None], prefix: str = "") -> None:
        self._xp, self._other, self._prefix = xp, other, prefix

    def __getattr__(self, name: str) -> Any:
        if name == "nn":
            return Altered(self._xp, self._other, "nn.")
        own = of(self._xp, self._prefix + name)
        function = self._other(self._prefix + name) if callable(own) else None
        return own if function is None else partial(function, self._xp)


def of(xp: Any, name: str) -> Any:
    """The function of a namespace by its name: "tanh", "nn.relu"."""
    part, _, last = name.rpartition(".")
    return getattr(xp.nn if part else xp, last)


def with_functions(case: Case, make: Callable[[], Mapping[str, Function]]) -> Case:
    """The case whose program calls the functions that `make` gives, anew for each run of it."""
    return with_program(case, lambda xp, params, inputs: case.program(Altered(xp, make().get), params, inputs))


def observed(evidence: Evidence) -> dict[str, list[np.ndarray]]:
    """Name to the values of the first argument of each call, for every function that is given arrays."""
    seen: dict[str, list[np.ndarray]] = defaultdict(list)

    def watching(name: str) -> Function:
        def function(xp: Any, *arguments: Any, **options: Any) -> Any:
            if arguments and hasattr(arguments[0], "value"):
                seen[name].append(np.array(arguments[0].value))
            return of(xp, name)(*arguments, **options)

        return function

    case = evidence.case
    watched = with_program(case, lambda xp, params, inputs: case.program(Altered(xp, watching), params, inputs))
    return dict(seen) if rerun(evidence, watched, "value") else {}
