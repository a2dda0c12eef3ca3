"""The pool: tasks run in persistent worker processes, so that a hang or a crash costs one task and not the run."""

from __future__ import annotations

import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any, TypeVar

from xcheck._errors import XCheckError
from xcheck.result import Outcome
from xcheck.run.classify import Failure
from xcheck.run.limits import one_thread
from xcheck.run.worker import Kind, Spent, Work, Worker

T = TypeVar("T")
R = TypeVar("R")

__all__ = ["Failure", "Spent", "run_isolated"]

#: So many workers in a row may die while they are prepared; more of them, and it is no accident.
DEATHS = 3
#: Seconds between two looks at processes: a child that a task has left holds the pipes of a dead one open.
LOOK = 0.5


def run_isolated(
    function: Callable[[T], R | Spent[R]],
    tasks: Sequence[T],
    *,
    workers: int,
    seconds: float,
    start: Callable[..., None] | None = None,
    arguments: tuple[Any, ...] = (),
) -> Iterator[tuple[T, R | Failure]]:
    """Each task with `function(task)` or its `Failure`, as they end.

    `start(*arguments)` prepares a worker once (imports, devices); the time limit of a task begins after it. A function
    that returns `Spent(value)` says that no further task may come into its process.

    Raises:
        XCheckError: no worker can be started; the message says why.
    """
    queue, deaths = deque(tasks), 0
    hands: list[Worker] = []
    with tempfile.TemporaryDirectory(prefix="xcheck-") as logs, one_thread():
        work = Work(function, seconds, Path(logs), start, arguments)
        try:
            while queue or any(one.task for one in hands):
                free = sum(not one.task for one in hands)
                hands += [Worker(work) for _ in range(min(workers - len(hands), len(queue) - free))]
                for one in hands:
                    if one.ready and not one.task and queue:
                        one.give(queue.popleft())
                _wait(hands)
                for one, said in [(one, one.hear()) for one in hands]:
                    if said is None:
                        continue
                    if said.kind is Kind.READY:
                        deaths = 0
                        continue
                    task, one.task = one.task, ()
                    if said.kind is not Kind.DONE:
                        hands.remove(one)
                        one.end()
                    if said.kind is Kind.BROKEN:
                        deaths += 1
                        if deaths == DEATHS or said.value.outcome is Outcome.RAISED:
                            raise XCheckError(f"no worker process can be started: {said.value.reason}{_hint()}")
                    elif task:
                        yield task[0], said.value
        finally:
            for one in hands:
                one.end()


def _wait(hands: Sequence[Worker]) -> None:
    """Until a worker says something, ends, or is late."""
    late = min((one.deadline for one in hands), default=0.0) - time.monotonic()
    wait([one.pipe for one in hands] + [one.process.sentinel for one in hands], max(0.0, min(late, LOOK)))


def _hint() -> str:
    """What to look at where the script that started the run may be at fault."""
    file = getattr(sys.modules["__main__"], "__file__", None)
    return f"; each worker imports {file}: what it does belongs under if __name__ == '__main__'" if file else ""
