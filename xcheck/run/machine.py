"""What a run's numbers depend on: the machine, the versions, the sources."""

from __future__ import annotations

import hashlib
import os
import platform
import sys
from collections.abc import Iterable
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from xcheck._arguments import whole
from xcheck.run.limits import MEMORY_ENFORCED

_PACKAGES = ("xcheck", "numpy", "python-flint", "torch", "jax", "jaxlib")


@cache
def machine() -> dict[str, Any]:
    """The machine in a few words."""
    return {
        "system": platform.platform(),
        "processor": _processor(),
        "cores": cores(),
        "memory_limit": "RLIMIT_DATA" if MEMORY_ENFORCED else "not enforced",
    }


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def workers_of(jobs: int | None) -> int:
    """How many worker processes a run has: one a core unless asked for otherwise.

    Raises:
        UsageError: fewer than one, or more than any machine of so many cores can feed.
    """
    return (
        cores() if jobs is None else whole("the number of worker processes", jobs, least=1, most=max(64, 8 * cores()))
    )


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    named = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()


def versions() -> dict[str, str]:
    """Versions of what takes part, found without importing it."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def sources(folder: Path, modules: Iterable[str]) -> str:
    """A digest of xcheck, the case files and the adapters: results of an edited source are not taken over."""
    package = Path(__file__).parents[1]
    files = [*package.rglob("*.py"), *package.rglob("*.gaps"), *(folder.glob("*.py") if folder.is_dir() else [folder])]
    for name in modules:
        file = getattr(sys.modules.get(name), "__file__", None)
        files += [one for one in (Path(file), Path(file).with_suffix(".gaps")) if one.is_file()] if file else []
    digest = hashlib.sha256()
    for file in sorted(set(files)):
        digest.update(os.fsencode(file) + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]
