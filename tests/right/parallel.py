"""The records of all programs, by several processes: half the time on two cores."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Generator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context

from right.programs import program
from right.study import Record, study


def studied(number: int, seeds: int) -> list[Record]:
    """The records of one program, in a process of its own."""
    warnings.simplefilter("ignore")
    return list(study(program(number), range(seeds)))


def every(known: Mapping[int, list[Record]], seeds: int, processes: int) -> Generator[list[Record], None, None]:
    """The records of program 0, 1, 2, ... without end, in order, some of them computed ahead."""
    ahead: dict[int, Future[list[Record]]] = {}
    # A child that lives for ever would keep what XLA compiled for every program.
    with ProcessPoolExecutor(processes, get_context("spawn"), max_tasks_per_child=16) as pool:
        try:
            for number in itertools.count():
                for later in range(number, number + 2 * processes):
                    if later not in known and later not in ahead:
                        ahead[later] = pool.submit(studied, later, seeds)
                yield known[number] if number in known else ahead.pop(number).result()
        finally:
            pool.shutdown(cancel_futures=True)
