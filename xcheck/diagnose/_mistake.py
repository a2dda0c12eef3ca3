"""Mistake: a case with something wrong in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

from xcheck.case import Case

Program = Callable[[Any, Any, Any], Any]


class Mistake(NamedTuple):
    """The name and the words of an explanation, and the case whose right result is then the wrong one."""

    name: str
    text: str
    case: Case
    value: float | str | None = None


def with_program(case: Case, program: Program) -> Case:
    """The case with another program, in every framework."""
    return replace(case, program=program, native={})
