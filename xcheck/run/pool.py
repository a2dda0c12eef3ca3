"""Worker processes: tasks run in persistent processes, so that a hang or a crash costs one task and not the run."""

from __future__ import annotations

import faulthandler
import multiprocessing.connection
import os
import signal
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import Any, TypeVar

from pebble import ProcessExpired, ProcessPool

from xcheck._errors import XCheckError
from xcheck.result import Outcome
from xcheck.run.limits import one_thread, out_of_memory, watchdog

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Failure:
    """A task that gave no result."""

    outcome: Outcome
    reason: str


def run_isolated(
    function: Callable[[T], R],
    tasks: Sequence[T],
    *,
    workers: int,
    seconds: float,
    start: Callable[..., None] | None = None,
    arguments: tuple[Any, ...] = (),
) -> Iterator[tuple[T, R | Failure]]:
    """Each task with `function(task)` or its `Failure`, as they end.

    `start(*arguments)` prepares a worker once (imports, devices); the time limit of a task begins after it.

    Raises:
        XCheckError: no worker can be started, or a task raised one.
    """
    queue = deque(tasks)
    with tempfile.TemporaryDirectory(prefix="xcheck-") as logs, one_thread():
        while queue:
            ended = 0
            try:
                for task, outcome in _one_pool(function, queue, workers, seconds, Path(logs), start, arguments):
                    ended += 1
                    yield task, outcome
            except BrokenProcessPool:
                if not ended:
                    raise XCheckError(f"no worker process can be started: {_last_line(Path(logs))}") from None


def _one_pool(
    function: Callable[[T], R],
    queue: deque[T],
    workers: int,
    seconds: float,
    logs: Path,
    start: Callable[..., None] | None,
    arguments: tuple[Any, ...],
) -> Iterator[tuple[T, R | Failure]]:
    """Empties `queue` with one pool; what was under way when the pool breaks goes back to the queue."""
    pool = ProcessPool(
        max_workers=min(workers, len(queue)),
        initializer=_start,
        initargs=(logs, start, arguments),
        context=get_context("spawn"),
    )
    running: dict[Future[Any], T] = {}
    try:
        while queue or running:
            while queue and len(running) < 2 * workers:  # a short queue ahead, so that an interrupt is quick
                task = queue.popleft()
                running[pool.schedule(_guarded, args=(function, task, seconds), timeout=seconds)] = task
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                outcome = _outcome(future, seconds, logs)
                yield running.pop(future), outcome
    except (BrokenProcessPool, RuntimeError) as error:
        queue.extendleft(running.values())
        raise BrokenProcessPool from error
    finally:
        pool.stop()
        pool.join()


def _outcome(future: Future[Any], seconds: float, logs: Path) -> Any:
    try:
        return future.result()
    except (BrokenProcessPool, XCheckError):
        raise
    except TimeoutError:
        return Failure(Outcome.TIMED_OUT, f"no result after {seconds:g} s")
    except ProcessExpired as error:
        said = _last_line(logs, error.pid)
        starved = out_of_memory(RuntimeError(said))
        return Failure(Outcome.OUT_OF_MEMORY if starved else Outcome.CRASHED, f"{_death(error.exitcode)}{said}")
    except Exception as error:  # whatever a task raises is its outcome
        kind = Outcome.OUT_OF_MEMORY if out_of_memory(error) else Outcome.RAISED
        return Failure(kind, exception_line(error))


def exception_line(error: BaseException) -> str:
    """The exception as the last line of its traceback would have it, on one line.

    >>> exception_line(ValueError("no\\nnewlines"))
    'ValueError: no newlines'
    """
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _death(exitcode: int | None) -> str:
    if exitcode is not None and exitcode < 0:
        return f"killed by {signal.Signals(-exitcode).name}"
    return f"the process ended with exit code {exitcode}"


def _last_line(logs: Path, pid: int | None = None) -> str:
    """The last words of a worker: what a C++ exception or `faulthandler` printed."""
    files = sorted(logs.glob("*" if pid is None else f"{pid}"), key=lambda file: file.stat().st_mtime)
    text = files[-1].read_text(errors="replace") if files else ""
    telling = [line.strip() for line in text.splitlines() if "what():" in line or "Error" in line]
    return f" ({telling[-1]})" if telling else ""


def _start(logs: Path, start: Callable[..., None] | None, arguments: tuple[Any, ...]) -> None:
    """Runs in the new worker: its output goes to a file of its own, where a crash can be read."""
    log = os.open(logs / str(os.getpid()), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    sys.stdout = sys.stderr = os.fdopen(log, "w", buffering=1)
    faulthandler.enable(sys.stderr)
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    if start is not None:
        start(*arguments)


def _end_with_the_parent() -> None:
    """A killed run leaves no worker behind, whatever its cell is doing."""
    parent = parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)


def _guarded(function: Callable[[T], R], task: T, seconds: float) -> R:
    # The parent ends a task in time; the watchdog is for one that holds Python's lock when the parent is gone.
    with watchdog(2 * seconds + 10):
        return function(task)
