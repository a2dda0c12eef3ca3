"""Peak memory of one call above the state before it, from the kernel's own high-water mark."""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Callable
from pathlib import Path
from typing import Any

from xcheck._lazy import jax, torch
from xcheck._tree import leaves
from xcheck.bench.schema import Group

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def peak_bytes(call: Callable[[], float], group: Group, framework: str) -> tuple[float, int | None]:
    """The seconds that the call returns, and bytes above the state before it; None where the system does not tell.

    On CUDA the framework's own statistics are asked.
    """
    gc.collect()
    if group.device != "cpu":
        return _device_peak(call, framework)
    if not CLEAR.exists():
        return call(), None
    # What the allocator keeps from earlier calls would hide the same pages of this one.
    ctypes.CDLL(None).malloc_trim(0)
    CLEAR.write_text("5")  # sets VmHWM to what is resident now
    before = _kilobytes("VmRSS")
    seconds = call()
    return seconds, max(0, _kilobytes("VmHWM") - before) * 1024


def _kilobytes(field: str) -> int:
    (line,) = (line for line in STATUS.read_text(encoding="ascii").splitlines() if line.startswith(f"{field}:"))
    return int(line.split()[1])


def _device_peak(call: Callable[[], float], framework: str) -> tuple[float, int]:
    if framework == "torch":
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        return call(), torch.cuda.max_memory_allocated() - before
    # JAX's peak cannot be reset: it is that of the process, so each cell has one of its own.
    device = jax.devices("gpu")[0]
    before = device.memory_stats()["bytes_in_use"]
    return call(), device.memory_stats()["peak_bytes_in_use"] - before


def result_bytes(result: Any) -> int:
    """Bytes of all leaves.

    >>> import numpy as np
    >>> result_bytes({"a": np.zeros(3), "b": np.zeros(2, np.float32)})
    32
    """
    return sum(int(leaf.nbytes) for leaf in leaves(result).values() if hasattr(leaf, "nbytes"))


def compiled_bytes(jitted: Callable[..., Any], arguments: tuple[Any, ...]) -> int:
    """What XLA plans: arguments, output and temporaries (its own peak is wrong on CPU)."""
    plan = jitted.lower(*arguments).compile().memory_analysis()  # type: ignore[attr-defined]
    return plan.argument_size_in_bytes + plan.output_size_in_bytes + plan.temp_size_in_bytes
