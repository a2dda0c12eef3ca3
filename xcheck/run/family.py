"""The family of a worker: every process that was started inside it, however it detached itself."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

#: A worker and its descendants have this variable in their environment; each worker has a value of its own.
MARK = "XCHECK_WORKER"
PROC = Path("/proc")


@contextmanager
def marked(mark: str) -> Iterator[None]:
    """Processes started inside have the mark, and so have all that they start."""
    before = os.environ.get(MARK)
    os.environ[MARK] = mark
    try:
        yield
    finally:
        if before is None:
            del os.environ[MARK]
        else:
            os.environ[MARK] = before


def end_family(pid: int, mark: str) -> None:
    """Kills a worker, its process group, and where the system tells environments (Linux) whoever has its mark.

    A daemon has a session of its own, and its parent is gone: the mark is what is left to know it by.
    """
    if not hasattr(os, "killpg"):  # on Windows its caller ends the worker alone
        return
    known = {os.getpid()}  # a worker that has lost its parent ends itself, and last
    while found := set(family(mark)) - known:  # what a dying process has started meanwhile is found in the next round
        known |= found
        for one in found:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(one, signal.SIGKILL)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def family(mark: str) -> Iterator[int]:
    """The processes that carry a mark; none where the system does not tell."""
    entry = f"{MARK}={mark}".encode()
    for folder in PROC.glob("[0-9]*"):
        with suppress(OSError):  # it is another user's, or gone
            if entry in (folder / "environ").read_bytes().split(b"\0"):
                yield int(folder.name)


def children() -> tuple[int, ...]:
    """The processes that this one has started and not waited for; empty where the system does not tell."""
    found: list[int] = []
    for task in (PROC / "self" / "task").glob("*"):
        with suppress(OSError):
            found += map(int, (task / "children").read_text(encoding="ascii").split())
    return tuple(sorted(found))
