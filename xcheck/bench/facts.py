"""What timings depend on besides the code: threads, linear algebra libraries, flags, driver, revision."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from xcheck._lazy import installed, jax, torch
from xcheck.bench.ready import TURNS

_FLAGS = ("XLA_FLAGS", "JAX_PLATFORMS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NVIDIA_TF32_OVERRIDE")


def facts(frameworks: Iterable[str]) -> dict[str, Any]:
    """Of this process, after its work."""
    found: dict[str, Any] = {
        "flags": {name: os.environ[name] for name in _FLAGS if name in os.environ},
        "flush_denormal": installed("torch"),
        "input_sets": TURNS,
        "load": os.getloadavg()[0],
    }
    if installed("threadpoolctl"):
        from threadpoolctl import threadpool_info

        kept = ("user_api", "internal_api", "version", "num_threads", "architecture")
        found["thread_pools"] = [{key: pool.get(key) for key in kept} for pool in threadpool_info()]
    if "torch" in frameworks:
        found["torch"] = {
            "threads": torch.get_num_threads(),
            "float32_matmul": torch.get_float32_matmul_precision(),
            "cpu_capability": torch.backends.cpu.get_cpu_capability(),
            "cuda": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        }
    if "jax" in frameworks:
        device = jax.devices()[0]
        found["jax"] = {"device": device.device_kind, "platform": device.client.platform_version}
    return found


def revision() -> str | None:
    """The revision of the sources, where they are a working copy of git."""
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=12"], cwd=Path(__file__).parent, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    return done.stdout.strip() or None


def import_seconds(framework: str) -> float | None:
    """How long a fresh process takes to import a framework."""
    if not installed(framework):
        return None
    script = f"import time; t = time.perf_counter(); import {framework}; print(time.perf_counter() - t)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return float(done.stdout)
