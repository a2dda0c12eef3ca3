"""How a command ends, whatever happens: by a signal, without a place to print, or by a fault of xcheck itself."""

from __future__ import annotations

import errno
import os
import signal
import sys
import tempfile
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic
from types import FrameType

from platformdirs import user_log_dir

from xcheck._errors import Interrupted
from xcheck._text import one_line

#: A signal that comes again so soon finds the folders and the worker processes being put away.
SECONDS_TO_TIDY = 5.0

_NOWHERE_TO_WRITE = (errno.EPIPE, errno.ENOSPC, errno.EBADF, errno.EIO)


@contextmanager
def interruptible() -> Iterator[None]:
    """SIGINT and SIGTERM raise `Interrupted` inside, so that journals are closed and folders removed on the way out."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    first = float("-inf")

    def interrupt(number: int, frame: FrameType | None) -> None:
        nonlocal first
        again, first = monotonic() - first < SECONDS_TO_TIDY, max(first, monotonic())
        if not again:
            raise Interrupted

    before = {one: signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)}
    # What a shell started in its background ignores Ctrl-C, and goes on to.
    before = {one: handler for one, handler in before.items() if handler not in (signal.SIG_IGN, None)}
    for one in before:
        signal.signal(one, interrupt)
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def say(text: object) -> None:
    """One line on stderr; if that is lost, nothing can be said."""
    with suppress(OSError, ValueError):
        print(f"xcheck: {one_line(text)}", file=sys.stderr, flush=True)


def output_lost(raised: BaseException | None = None) -> str | None:
    """Why what was printed cannot be written: the pipe is closed, the disk is full; None if it can.

    `raised` is what ended the command: a `print` may have failed already, and errors of files name theirs. What is lost
    stays lost, so that the interpreter's own attempt at its end makes no noise.
    """
    try:
        if isinstance(raised, OSError) and raised.filename is None and raised.errno in _NOWHERE_TO_WRITE:
            raise raised
        sys.stdout.flush()
    except (OSError, ValueError) as error:
        with suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, sys.stdout.fileno())
            os.close(nowhere)
        return getattr(error, "strerror", None) or str(error)
    return None


def keep_traceback(error: BaseException) -> str:
    """Writes the traceback to a file of its own, and says where: the user's log folder, or one for temporary files."""
    text = "".join(traceback.format_exception(error))
    for folder in (lambda: user_log_dir("xcheck", appauthor=False), tempfile.gettempdir):
        with suppress(OSError):
            Path(folder()).mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix="xcheck-failure-", suffix=".txt", dir=folder())
            with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
                file.write(text)
            return f"the traceback is in {name}"
    return "its traceback could not be written to the log folder, nor to one for temporary files"
