"""A forked process that runs some tests: frameworks are imported once, xcheck afresh in each."""

from __future__ import annotations

import importlib
import os
import shutil
import signal
import sys
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep

import pytest

#: The exit code of a child in which something of ours failed, before or beside pytest: it says nothing about a change.
BROKEN = 70
#: Slow to import and never changed; JAX starts its backend in the child, since its threads do not survive a fork.
WARM = ("numpy", "flint", "torch", "torch.func", "jax", "jax.numpy", "msgspec")


def warm() -> None:
    """Imports them; what a child has not imported before it is forked, it imports itself."""
    for name in WARM:
        importlib.import_module(name)
    assert "xcheck" not in sys.modules, "the changed file must be imported in the child"


@dataclass(eq=False)
class Child:
    """A forked process in a process group of its own."""

    pid: int
    status: int | None = None

    def ended(self) -> bool:
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.status = os.waitstatus_to_exitcode(status) if pid else None
        return self.status is not None

    def wait(self, seconds: float = float("inf")) -> int | None:
        """Its exit code; None where it was stopped after so many seconds."""
        end = monotonic() + seconds
        while not self.ended() and monotonic() < end:
            sleep(0.05)
        if self.status is None:
            self.stop()
            return None
        return self.status

    def stop(self) -> None:
        if self.status is None:
            os.killpg(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)


def forked(work: Callable[[], int], said: Path, cache: Path, own_cache: Path | None = None) -> Child:
    """A process that does `work` and says into a file; it writes references to a cache of its own if it has one."""
    if own_cache is not None:
        shutil.rmtree(own_cache, ignore_errors=True)
        cache.mkdir(parents=True, exist_ok=True)
        shutil.copytree(cache, own_cache)
    pid = os.fork()
    if pid:
        return Child(pid)
    status = BROKEN
    try:
        os.setsid()
        os.environ["XCHECK_CACHE"] = str(own_cache or cache)
        file = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, 1)
        os.dup2(file, 2)
        status = work()
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


class Steady:
    """A plugin: random tests are the same in every run."""

    def pytest_configure(self) -> None:
        from hypothesis import settings

        settings.register_profile("mutants", derandomize=True, database=None)
        settings.load_profile("mutants")


@dataclass(eq=False)
class Chosen(Steady):
    """A plugin: only these tests, in this order."""

    tests: list[str]

    @property
    def files(self) -> list[str]:
        return sorted({test.partition("::")[0] for test in self.tests})

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self) -> None:
        """Imports what has doctests as its users do: pytest would put a module in the place of its function."""
        for file in self.files:
            if file.startswith("xcheck/"):
                importlib.import_module(file.removesuffix(".py").removesuffix("/__init__").replace("/", "."))

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        by_name = {item.nodeid: item for item in items}
        items[:] = [by_name[name] for name in self.tests if name in by_name]


def run_pytest(places: Iterable[str], plugin: Steady, *options: str) -> int:
    """pytest in this process."""
    quiet = ("-q", "-p", "no:cacheprovider", "-p", "no:benchmark", "-p", "no:xdist")
    return int(pytest.main([*quiet, *options, *places], plugins=[plugin]))
