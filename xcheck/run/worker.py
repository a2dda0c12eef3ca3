"""A worker: one process that does one task after the other, and the parent's end of its pipe.

Each worker has a pipe of its own: what a task does to its process reaches neither the others nor the run.
"""

from __future__ import annotations

import faulthandler
import multiprocessing.connection
import os
import pickle
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import Enum, auto
from multiprocessing import get_context, parent_process, resource_tracker
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Generic, NamedTuple, NoReturn, TypeVar
from uuid import uuid4

from xcheck.result import Outcome
from xcheck.run.classify import Failure, Stage, classify, exception_line
from xcheck.run.family import MARK, end_family, marked
from xcheck.run.limits import out_of_memory, watchdog

R = TypeVar("R")

#: Bytes of a message: what claims more was not written by a worker, and would be waited for.
LONGEST = 2**28


@dataclass(frozen=True)
class Spent(Generic[R]):
    """A value from a process that is to be used no more."""

    value: R


@dataclass(frozen=True)
class Work:
    """What a worker is for: `function(task)` within `seconds`, after `start(*arguments)`; its output goes to `logs`."""

    function: Callable[[Any], Any]
    seconds: float
    logs: Path
    start: Callable[..., None] | None
    arguments: tuple[Any, ...]


class Kind(Enum):
    """What a worker says: it is prepared; it cannot be; a task is done; and that was the last one."""

    READY = auto()
    BROKEN = auto()
    DONE = auto()
    LAST = auto()


class Said(NamedTuple):
    """A message of a worker, or what its parent says for one that cannot."""

    kind: Kind
    value: Any = None


class Worker:
    """A process and the task that it has, as a tuple of one, or of none."""

    def __init__(self, work: Work) -> None:
        self.work, self.mark = work, uuid4().hex
        self.ready, self.task, self.deadline = False, (), float("inf")
        self.pipe, theirs = multiprocessing.connection.Pipe()
        self.process = get_context("spawn").Process(target=_main, args=(work, theirs))
        resource_tracker.ensure_running()  # it serves all processes of the parent, and must not carry a mark
        with _importable_main(), marked(self.mark):
            self.process.start()
        theirs.close()

    def give(self, task: Any) -> None:
        """Its time limit begins."""
        self.task, self.deadline = (task,), time.monotonic() + self.work.seconds
        with suppress(OSError):  # a worker that has just died is found by `hear`
            self.pipe.send(task)

    def hear(self) -> Said | None:
        """Its message, or the `Failure` of a process that is late, lost or talks nonsense; None while there is none."""
        try:
            if self.pipe.poll():
                said = Said(*pickle.loads(self.pipe.recv_bytes(LONGEST)))
                self.ready, self.deadline = True, float("inf")
                return said
        except Exception:  # a pipe that a task has closed or written to raises whatever its bytes lead to
            if not self._gone(within=1.0):
                return self._failed(
                    Outcome.CRASHED, "it closed the pipe between its process and xcheck, or wrote to it"
                )
        if self.process.exitcode is not None:
            words = last_words(self.work.logs / str(self.process.pid))
            kind = Outcome.OUT_OF_MEMORY if out_of_memory(RuntimeError(words)) else Outcome.CRASHED
            return self._failed(kind, f"{_death(self.process.exitcode)}{words}")
        if time.monotonic() > self.deadline:
            return self._failed(Outcome.TIMED_OUT, f"no result after {self.work.seconds:g} s")
        return None

    def _gone(self, within: float) -> bool:
        """Whether the process ends in time; asked again and again, as a task may have written to its sentinel too."""
        until = time.monotonic() + within
        while self.process.exitcode is None and time.monotonic() < until:
            time.sleep(0.01)
        return self.process.exitcode is not None

    def _failed(self, outcome: Outcome, reason: str) -> Said:
        return Said(Kind.LAST if self.ready else Kind.BROKEN, Failure(outcome, reason))

    def end(self) -> None:
        """Ends the process, and whatever it has started."""
        assert self.process.pid is not None
        end_family(self.process.pid, self.mark)
        self.process.kill()
        self.process.join()
        self.process.close()
        self.pipe.close()


def _death(exitcode: int | None) -> str:
    if exitcode is not None and exitcode < 0:
        with suppress(ValueError):  # a real-time signal has a number and no name
            return f"killed by {signal.Signals(-exitcode).name}"
        return f"killed by signal {-exitcode}"
    return f"the process ended with exit code {exitcode}"


def last_words(log: Path) -> str:
    """What a C++ exception or `faulthandler` printed last."""
    text = log.read_text(errors="replace") if log.exists() else ""
    telling = [line.strip() for line in text.splitlines() if "what():" in line or "Error" in line]
    return f" ({telling[-1]})" if telling else ""


@contextmanager
def _importable_main() -> Iterator[None]:
    """A new process imports the script of its parent; one that came from standard input is no file to import."""
    main = sys.modules["__main__"]
    file = getattr(main, "__file__", None)
    if file is None or Path(file).exists():
        yield
        return
    del main.__file__
    try:
        yield
    finally:
        main.__file__ = file


def _main(work: Work, pipe: Connection) -> NoReturn:
    """The life of a worker. It ends without cleaning up, so that nothing which a task left behind runs."""
    _settle_in(work.logs)
    try:
        if work.start is not None:
            work.start(*work.arguments)
    except BaseException as error:  # whatever it is, the parent tells it
        _send(pipe, Kind.BROKEN, Failure(Outcome.RAISED, exception_line(error)))
        os._exit(1)
    _send(pipe, Kind.READY, None)
    while True:
        try:
            task = pipe.recv()
        except (EOFError, OSError):
            os._exit(0)
        me = os.getpid()
        found = _done(work, task)
        if os.getpid() != me:  # the task has forked, and this is the child
            os._exit(0)
        if isinstance(found, Spent):
            _send(pipe, Kind.LAST, found.value)
            os._exit(0)
        _send(pipe, Kind.DONE, found)


def _settle_in(logs: Path) -> None:
    """Output goes to a file of its own, where a crash can be read; a keyboard's interrupt is the parent's matter."""
    if hasattr(os, "setpgid"):  # Windows has no groups of processes
        os.setpgid(0, 0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    log = os.open(logs / str(os.getpid()), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    sys.stdout = sys.stderr = os.fdopen(log, "w", buffering=1, errors="backslashreplace")
    faulthandler.enable(sys.stderr)
    threading.Thread(target=_end_with_the_parent, daemon=True).start()


def _end_with_the_parent() -> None:
    """A killed run leaves no worker behind, whatever its task is doing, and nothing that a task has started."""
    parent = parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        end_family(os.getpid(), os.environ.get(MARK, ""))


def _done(work: Work, task: Any) -> Any:
    # The parent ends a task in time; the watchdog is for one that holds Python's lock when the parent is gone.
    try:
        with watchdog(2 * work.seconds + 10):
            return work.function(task)
    except BaseException as error:  # whatever a task raises is its outcome, and it may have left anything behind
        return Spent(classify(error, Stage.IMPLEMENTATION))


def _send(pipe: Connection, kind: Kind, value: Any) -> None:
    try:
        pipe.send((kind, value))
    except OSError:
        os._exit(1)
    except Exception as error:  # a value that cannot be pickled
        pipe.send((kind, classify(error, Stage.IMPLEMENTATION)))
