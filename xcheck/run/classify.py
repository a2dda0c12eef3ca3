"""classify: what an exception means for a cell, by what was being done when it was raised."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from enum import StrEnum
from multiprocessing import parent_process

from xcheck._errors import (
    CaseError,
    GuardFailed,
    MissingFramework,
    NoReference,
    StoreError,
    Undecidable,
    UnknownPrimitive,
    Unsupported,
    UsageError,
)
from xcheck._receive import Refused
from xcheck._text import one_line, printable
from xcheck.result import Outcome
from xcheck.run.limits import out_of_memory

#: Characters of a reason: it stands in a table, beside others.
REASON = 400
#: Characters of a traceback: its end, which says most.
TRACEBACK = 6000


class Stage(StrEnum):
    """What was being done: foreign code runs in the first two, xcheck's own in the others."""

    PROBLEM = "making the problem"
    IMPLEMENTATION = "running the implementation"
    EXACT = "exact arithmetic"
    JUDGING = "judging"


@dataclass(frozen=True)
class Failure:
    """How a cell or a task ended without a result.

    `fault` is "xcheck" where xcheck itself failed, "input" where a case or a stored file is at fault.
    """

    outcome: Outcome
    reason: str
    fault: str | None = None


def classify(error: BaseException, stage: Stage) -> Failure:
    """The outcome of whatever was raised, and why, in one bounded and printable line.

    What xcheck lacks (a rule, a reference, a decision) is `no_reference` wherever it shows, and never `raised`: the
    program that was asked about is not at fault.

    Raises:
        KeyboardInterrupt: somebody wants to stop; in a worker, which no keyboard reaches, it is raised by foreign code.

    >>> classify(UnknownPrimitive("no rule for cumsum"), Stage.IMPLEMENTATION).outcome.value
    'no_reference'
    >>> classify(ValueError("no\\nsuch thing"), Stage.IMPLEMENTATION)
    Failure(outcome=<Outcome.RAISED: 'raised'>, reason='ValueError: no such thing', fault=None)
    """
    if isinstance(error, KeyboardInterrupt) and parent_process() is None:
        raise error
    if isinstance(error, (Unsupported, MissingFramework)):
        return Failure(Outcome.UNSUPPORTED, one_line(error, REASON))
    if isinstance(error, Refused):
        return Failure(error.outcome, one_line(error.reason, REASON))
    if isinstance(error, (NoReference, Undecidable, UnknownPrimitive)):
        return Failure(Outcome.NO_REFERENCE, exception_line(error))
    if isinstance(error, GuardFailed):
        return Failure(Outcome.NO_REFERENCE, exception_line(error), "xcheck")
    if isinstance(error, (StoreError, CaseError)):
        return Failure(Outcome.NO_REFERENCE, exception_line(error), "input")
    if stage is Stage.EXACT:
        # A program may be right with the numbers of its framework, and raise where it meets exact ones.
        return Failure(Outcome.NO_REFERENCE, f"in exact arithmetic: {exception_line(error)}")
    # A convention that cannot be applied is declared by the implementation.
    if stage is Stage.JUDGING and not isinstance(error, UsageError):
        return Failure(Outcome.NO_REFERENCE, f"xcheck itself failed: {exception_line(error)}", "xcheck")
    return Failure(Outcome.OUT_OF_MEMORY if out_of_memory(error) else Outcome.RAISED, exception_line(error))


def exception_line(error: BaseException) -> str:
    """The exception as the last line of its traceback would have it, on one line.

    >>> exception_line(ValueError("no\\nnewlines"))
    'ValueError: no newlines'
    """
    text = one_line(error, REASON)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def exception_trace(error: BaseException) -> str:
    """The end of its traceback, for whoever wants to mend what raised it."""
    try:
        said = "".join(traceback.format_exception(error))
    except Exception:  # a foreign exception may be made so that it cannot be formatted
        said = exception_line(error)
    return printable(said[-TRACEBACK:], 2 * TRACEBACK).strip()
