"""Devices: which of those asked for are there, and what is left out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from xcheck import _problem
from xcheck._errors import DeviceError
from xcheck._lazy import installed
from xcheck.quantity import FRAMEWORKS
from xcheck.run.pool import Failure, run_isolated


@dataclass(frozen=True)
class Available:
    """The devices of a run, and those of each framework."""

    devices: tuple[str, ...]
    by_framework: dict[str, tuple[str, ...]]


def find_devices(asked: tuple[str, ...], note: Callable[[str], None]) -> Available:
    """Resolves "all" and drops what a framework lacks; only CUDA costs a look, in a process of its own.

    Raises:
        DeviceError: a device was asked for and no framework has it.
    """
    if set(asked) == {"cpu"}:
        return Available(("cpu",), dict.fromkeys(FRAMEWORKS, ("cpu",)))
    by_framework = dict.fromkeys(FRAMEWORKS, ("cpu",)) | _ask([name for name in FRAMEWORKS if installed(name)])
    having = [name for name, devices in by_framework.items() if "cuda" in devices]
    if not having and "cuda" in asked:
        raise DeviceError(
            "no framework here has a CUDA device; use --device cpu, or --device all to take what is there"
        )
    for name in FRAMEWORKS:
        if name not in having:
            note(
                f"left out: {name} on cuda, since it {'has no CUDA device' if installed(name) else 'is not installed'}"
            )
    devices = dict.fromkeys(d for one in asked for d in (("cpu", "cuda") if one == "all" else (one,)))
    return Available(tuple(d for d in devices if d == "cpu" or having), by_framework)


def _ask(frameworks: list[str]) -> dict[str, tuple[str, ...]]:
    answers = run_isolated(devices_of, frameworks, workers=1, seconds=120)
    return {name: ("cpu",) if isinstance(found, Failure) else found for name, found in answers}


def devices_of(framework: str) -> tuple[str, ...]:
    """Asked in a worker, since looking for a GPU may reserve its memory."""
    return tuple(_problem.adapter(framework).devices())
