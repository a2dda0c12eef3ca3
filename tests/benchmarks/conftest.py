"""Benchmarks run only where they are asked for (`--benchmark-only`), and then carry what pytest-benchmark lacks."""

from __future__ import annotations

from typing import Any

import pytest


def pytest_ignore_collect(config: pytest.Config) -> bool | None:
    """A plain test run times nothing."""
    return None if config.getoption("benchmark_only", default=False) else True


@pytest.hookimpl(optionalhook=True)  # without the harness nobody asks
def pytest_benchmark_update_machine_info(config: pytest.Config, machine_info: dict[str, Any]) -> None:
    from xcheck.bench.facts import facts, revision
    from xcheck.run.machine import machine, versions

    machine_info |= {"xcheck": machine(), "versions": versions(), "revision": revision()}
    machine_info["facts"] = facts(("torch", "jax"))
