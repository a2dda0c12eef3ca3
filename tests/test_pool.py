"""Worker processes: one task's end is not the run's."""

from __future__ import annotations

import os
import platform
import time
from pathlib import Path

import numpy as np
import pytest

from xcheck import XCheckError
from xcheck.run.limits import memory_limit, one_thread, return_memory
from xcheck.run.pool import Failure, run_isolated

# The functions run in processes that cannot import this test module, so they are the standard library's.


def outcomes(function, tasks, **options):
    return dict(run_isolated(function, tasks, **{"workers": 2, "seconds": 20} | options))


def resident() -> int:
    """The bytes of this process that are in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_results_come_from_persistent_workers_with_one_thread():
    assert outcomes(os.getenv, ["OMP_NUM_THREADS", "NPROC"], workers=1) == {"OMP_NUM_THREADS": "1", "NPROC": "1"}


def test_more_tasks_than_the_queue_ahead_holds():
    assert outcomes(abs, list(range(-50, 0))) == {-k: k for k in range(1, 51)}


def test_a_crash_costs_one_task():
    found = outcomes(os._exit, [3, 4]) | outcomes(abs, [-1])
    assert found[3] == Failure("crashed", "the process ended with exit code 3")
    assert found[4] == Failure("crashed", "the process ended with exit code 4")
    assert found[-1] == 1


def test_a_hang_costs_one_task():
    found = outcomes(time.sleep, [3600, 0], seconds=1)
    assert found == {3600: Failure("timed_out", "no result after 1 s"), 0: None}


def test_the_clock_runs_after_the_start():
    assert outcomes(abs, [-1], seconds=1, start=time.sleep, arguments=(2,)) == {-1: 1}


def test_an_exception_is_an_outcome():
    assert outcomes(len, [3]) == {3: Failure("raised", "TypeError: object of type 'int' has no len()")}


def test_workers_that_cannot_start_are_one_clear_line():
    with pytest.raises(XCheckError, match="no worker process can be started"):
        outcomes(abs, [-1], start=len, arguments=(3,))


def test_the_environment_of_the_caller_is_restored():
    before = dict(os.environ)
    with one_thread():
        assert os.environ["OMP_NUM_THREADS"] == "1"
    assert dict(os.environ) == before


def test_memory_is_limited_and_then_free_again():
    with memory_limit(64), pytest.raises(MemoryError):
        bytearray(2**28)
    assert len(bytearray(2**28)) == 2**28


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="malloc_trim is glibc's")
def test_freed_memory_goes_back_to_the_system_below_a_block_in_use():
    blocks = [np.ones(2**16, np.uint8) for _ in range(4096)]  # 256 MB in blocks too small for maps of their own
    last, full = blocks[-1], resident()
    del blocks
    kept = resident()
    return_memory()
    assert full - kept < 2**20  # or the C library did so itself, and there is nothing to show
    assert full - resident() > 200 * 2**20
    assert last.all()
