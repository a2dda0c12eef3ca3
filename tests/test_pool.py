"""Worker processes: one task's end is not the run's."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from xcheck import XCheckError
from xcheck.run.limits import memory_limit, one_thread, return_memory
from xcheck.run.pool import Failure, Spent, run_isolated

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
    found = outcomes(os._exit, [3, 4, 0]) | outcomes(abs, [-1])
    assert found[0] == Failure("crashed", "the process ended with exit code 0")
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


def test_a_process_that_is_spent_takes_no_further_task():
    """`Spent` is made from what it is given, in the worker, so its process is another one for each task."""
    found = outcomes(Spent, [1, 2, 3], workers=1)
    assert found == {1: 1, 2: 2, 3: 3}


def test_an_exception_ends_its_process_too():
    (first, second) = outcomes(exec, ["import sys; sys.kept = 1; 1 / 0", "import sys; assert not hasattr(sys, 'kept')"],
                               workers=1).values()  # fmt: skip
    assert first == Failure("raised", "ZeroDivisionError: division by zero")
    assert second is None


LEFT = """
import os, subprocess, sys
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        subprocess.Popen(["sleep", "{seconds}"])
    os._exit(0)
os.wait()
{end}
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the environment of other processes")
@pytest.mark.parametrize("end", ["", "os._exit(0)", "import time; time.sleep(60)", "os.kill(os.getpid(), 9)"])
def test_what_a_task_has_started_ends_with_its_worker(end):
    seconds = f"6{os.getpid()}.{len(end)}"
    outcomes(exec, [LEFT.format(seconds=seconds, end=end)], seconds=3)
    assert_gone(seconds)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the environment of other processes")
def test_what_a_task_has_started_ends_with_a_run_that_is_killed(tmp_path):
    seconds = f"7{os.getpid()}"
    task = LEFT.format(seconds=seconds, end=f"open({str(tmp_path / 'there')!r}, 'w'); import time; time.sleep(60)")
    script = f"from xcheck.run.pool import run_isolated\nlist(run_isolated(exec, [{task!r}], workers=1, seconds=60))"
    with subprocess.Popen([sys.executable, "-c", script]) as run:
        while not (tmp_path / "there").exists():
            assert run.poll() is None
            time.sleep(0.05)
        run.kill()
    assert_gone(seconds)


def assert_gone(seconds):
    """No process has this in its command line; a killed one is seen until the system has cleaned up after it."""
    until = time.monotonic() + 10
    while left := [one for one in Path("/proc").glob("[0-9]*/cmdline") if f"sleep\0{seconds}".encode() in _bytes(one)]:
        assert time.monotonic() < until, left
        time.sleep(0.05)


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:  # the process is gone
        return b""


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("import os; os.closerange(3, 256)", "the pipe between its process and xcheck|exit code 1"),
        ("import os\nfor k in range(3, 20):\n try: os.write(k, b'xxxx')\n except OSError: pass", "pipe|exit code"),
        ("import os; os.kill(os.getpid(), 35)", "killed by signal 35|SIG"),
    ],
)
def test_a_task_that_cuts_itself_off_costs_itself(damage, said):
    found = outcomes(exec, [damage, "pass"], workers=1, seconds=10)
    assert found[damage].outcome == "crashed"
    assert re.search(said, found[damage].reason)
    assert found["pass"] is None


def test_a_reason_is_one_bounded_printable_line():
    found = outcomes(exec, ["raise ValueError('\\ud800 \\x1b[31m\\n' + 'x' * 10**6)"])
    (failure,) = found.values()
    assert failure.reason.startswith(r"ValueError: \ud800 \x1b[31m xxx")
    assert len(failure.reason) < 500


SCRIPT = """
from xcheck.run.pool import run_isolated
{guard}
print([found for _, found in run_isolated(abs, [-1, -2], workers=1, seconds=20)])
"""


def test_a_script_from_standard_input_has_workers():
    done = subprocess.run(
        [sys.executable, "-"], input=SCRIPT.format(guard=""), capture_output=True, text=True, timeout=120, check=True
    )
    assert sorted(json.loads(done.stdout)) == [1, 2]


def test_a_script_that_its_workers_cannot_import_is_named(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(guard="if __name__ != '__main__': raise SystemExit(7)"))
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=120, check=False)
    assert "no worker process can be started: the process ended with exit code 7; each worker imports" in done.stderr
    assert "if __name__ == '__main__'" in done.stderr


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
