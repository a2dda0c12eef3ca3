"""Foreign code: what somebody else wrote, executed so that nothing it does ends in silence, a traceback or a wait."""

from __future__ import annotations

import importlib
import logging
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from types import FrameType
from typing import Any

from xcheck._errors import Interrupted, UsageError, XCheckError
from xcheck._text import one_line

#: An import may load several frameworks from a slow disk; what takes longer than this never ends.
SECONDS = 300.0

_log = logging.getLogger("xcheck")


class _NoEnd(BaseException):
    """Raised inside code that takes too long; no `except Exception` of it can stop this."""


@contextmanager
def foreign(what: str, kind: type[UsageError] = UsageError) -> Iterator[None]:
    """Whatever the code inside raises is one error that begins with `what`; what it prints goes to stderr.

    An exit is an error, too, and so is code that has not ended after SECONDS; a real interrupt stays one.

    Raises:
        UsageError: (or `kind`) the code raised, exited or took too long.

    >>> with foreign("the adapter 'mine' cannot be imported"):
    ...     raise SystemExit(0)
    Traceback (most recent call last):
    ...
    xcheck._errors.UsageError: the adapter 'mine' cannot be imported: SystemExit: 0
    """
    try:
        with redirect_stdout(sys.stderr), _deadline(SECONDS):
            yield
    except XCheckError as error:
        raise kind(f"{what}: {one_line(error)}") from error
    except KeyboardInterrupt as error:
        # A command turns signals into `Interrupted`; where none runs, nobody can tell Ctrl-C from a raised one.
        if isinstance(error, Interrupted) or signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            raise
        raise kind(f"{what}: {raised(error)}") from error
    except BaseException as error:
        raise kind(f"{what}: {raised(error)}") from error


def raised(error: BaseException) -> str:
    """An exception on one line, as the end of its traceback has it.

    >>> raised(ValueError("no\\nnewlines")), raised(KeyboardInterrupt())
    ('ValueError: no newlines', 'KeyboardInterrupt')
    """
    if isinstance(error, _NoEnd):
        return f"it has not ended after {SECONDS:g} s"
    return f"{type(error).__name__}: {one_line(error)}".removesuffix(": ")


def load(name: str, what: str) -> Any:
    """A module by its dotted name, or what stands in it under `MODULE:NAME`.

    Raises:
        UsageError: there is none, or it cannot be imported.
    """
    module, _, attribute = name.partition(":")
    with foreign(f"{what} {name!r} cannot be imported"):
        loaded = importlib.import_module(module)
        return getattr(loaded, attribute) if attribute else loaded


def left_out(error: XCheckError) -> None:
    """Tells, once, of a plug-in that is broken; everything else goes on without it."""
    _log.warning("xcheck: left out: %s", one_line(error))


@contextmanager
def _deadline(seconds: float) -> Iterator[None]:
    """Raises `_NoEnd` inside after so many seconds; only the main thread of Unix can, and only one at a time."""
    free = threading.current_thread() is threading.main_thread() and hasattr(signal, "setitimer")
    if not free or signal.getitimer(signal.ITIMER_REAL)[0]:
        yield
        return

    def late(number: int, frame: FrameType | None) -> None:
        raise _NoEnd

    before = signal.signal(signal.SIGALRM, late)
    # Again and again, for code that catches everything.
    signal.setitimer(signal.ITIMER_REAL, seconds, 0.5)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL if before is None else before)
