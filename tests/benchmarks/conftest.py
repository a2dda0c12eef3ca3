"""Benchmarks run only where they are asked for (`--benchmark-only`), and then carry what pytest-benchmark lacks."""

from __future__ import annotations

import importlib.util
from typing import Any

import pytest

HARNESS = importlib.util.find_spec("pytest_benchmark") is not None


def pytest_ignore_collect(config: pytest.Config) -> bool | None:
    """A plain test run times nothing."""
    asked = HARNESS and config.getoption("benchmark_only", default=False)
    return None if asked else True


if HARNESS:

    def pytest_benchmark_update_machine_info(config: pytest.Config, machine_info: dict[str, Any]) -> None:
        from xcheck.bench.facts import facts, revision
        from xcheck.run.machine import machine, versions

        machine_info |= {"xcheck": machine(), "versions": versions(), "revision": revision()}
        machine_info["facts"] = facts(("torch", "jax"))
