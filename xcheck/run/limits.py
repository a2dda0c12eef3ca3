"""Limits of one cell: memory and its return, threads, and a watchdog that outlives the parent."""

from __future__ import annotations

import ctypes
import faulthandler
import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from xcheck._text import one_line

#: The variables that the linear algebra libraries read when they are loaded (NPROC is XLA's).
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "NPROC")
MEGABYTE = 2**20

#: Whether a memory limit can be kept here: only Linux counts mapped memory against RLIMIT_DATA.
MEMORY_ENFORCED = sys.platform == "linux"


@contextmanager
def one_thread() -> Iterator[None]:
    """Processes started inside compute with one thread each, or N workers would fight for the cores."""
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def memory_limit(megabytes: int) -> Iterator[None]:
    """At most so much memory beyond what the process has now; a larger allocation fails inside its allocator."""
    if not MEMORY_ENFORCED:
        yield
        return
    import resource

    before = resource.getrlimit(resource.RLIMIT_DATA)
    # The soft limit alone is lowered, so that an unprivileged process may raise it again.
    resource.setrlimit(resource.RLIMIT_DATA, (_data_bytes() + megabytes * MEGABYTE, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)


def _data_bytes() -> int:
    """What RLIMIT_DATA counts: private writable memory, touched or not."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    (kilobytes,) = (line.split()[1] for line in status.splitlines() if line.startswith("VmData:"))
    return int(kilobytes) * 1024


def return_memory() -> None:
    """Gives freed memory back to the system: glibc keeps what lies between two blocks in use, gigabytes in an hour."""
    gc.collect()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # other C libraries have none
        if trim is not None:
            trim(0)


@contextmanager
def watchdog(seconds: float) -> Iterator[None]:
    """Ends this process if it is still inside after `seconds`, even when its parent was killed."""
    faulthandler.dump_traceback_later(seconds, exit=True)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()


def out_of_memory(error: BaseException) -> bool:
    """Whether an allocator of Python, NumPy, torch or XLA gave up.

    >>> out_of_memory(MemoryError()), out_of_memory(RuntimeError("DefaultCPUAllocator: can't allocate memory"))
    (True, True)
    """
    signs = ("can't allocate memory", "not enough memory", "RESOURCE_EXHAUSTED", "out of memory", "std::bad_alloc")
    said = one_line(error).lower()
    return isinstance(error, MemoryError) or any(sign.lower() in said for sign in signs)
