"""Arguments of public functions: what came, what was expected, in one line; a misspelt word gets the nearest."""

from __future__ import annotations

import math
import operator
from collections.abc import Collection
from typing import Any, TypeVar

from xcheck._errors import UnknownName, UsageError
from xcheck._registry import unknown
from xcheck._text import shown

T = TypeVar("T")


def refuse(what: str, given: object, expected: str) -> UsageError:
    """The line that a wrong argument gets."""
    return UsageError(f"{what} is {shown(given)}, expected {expected}")


def of_kind(what: str, given: object, kind: type[T] | tuple[type[T], ...], expected: str) -> T:
    """The argument itself, if it is of a kind.

    Raises:
        UsageError: it is of another.
    """
    if not isinstance(given, kind):
        raise refuse(what, given, expected)
    return given


def function(what: str, given: T) -> T:
    """The argument itself, if it can be called.

    Raises:
        UsageError: it cannot.
    """
    if not callable(given):
        raise refuse(what, given, "a function")
    return given


def one_of(kind: str, given: object, known: Collection[str]) -> str:
    """The word itself, if it is a known one.

    Raises:
        UsageError: it is no text.
        UnknownName: it is another word.

    >>> one_of("tier", "smke", ("smoke", "standard", "full"))
    Traceback (most recent call last):
    ...
    xcheck._errors.UnknownName: unknown tier 'smke'; did you mean 'smoke'?
    """
    word = of_kind(kind, given, str, f"one of {', '.join(known)}")
    if word not in known:
        raise UnknownName(unknown(kind, word, dict.fromkeys(known)))
    return word


def words(what: str, given: Any) -> tuple[str, ...]:
    """Words as a tuple; a bare text would be taken for its letters, and is refused.

    >>> words("dtypes", "float32")
    Traceback (most recent call last):
    ...
    xcheck._errors.UsageError: dtypes is 'float32', expected a tuple of words such as ('float32',)
    """
    if isinstance(given, str):
        raise refuse(what, given, f"a tuple of words such as ({shown(str(given))},)")
    try:
        found = tuple(given)
    except TypeError:
        raise refuse(what, given, "a tuple of words") from None
    for word in found:
        of_kind(f"a word of {what}", word, str, "text")
    return found


def whole(what: str, given: Any, least: int, most: int) -> int:
    """A whole number between two.

    Raises:
        UsageError: it is none, or lies outside.
    """
    try:
        number = operator.index(given)
    except TypeError:
        number = least - 1
    if isinstance(given, bool) or not least <= number <= most:
        raise refuse(what, given, f"a whole number from {least} to {most}")
    return number


def positive(what: str, given: Any, most: float) -> float:
    """A number above 0.

    Raises:
        UsageError: it is none, is not finite, or is larger than `most`.
    """
    if isinstance(given, bool) or not isinstance(given, (int, float)) or math.isnan(given) or not 0 < given <= most:
        raise refuse(what, given, f"a number above 0 and up to {most:g}")
    return float(given)
