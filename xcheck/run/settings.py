"""Settings: what a run was asked for; two runs with equal settings have equal cells."""

from __future__ import annotations

import msgspec

from xcheck._dtypes import check_dtype
from xcheck._errors import UsageError
from xcheck._registry import unknown

#: Each tier includes the ones before it.
TIERS = ("smoke", "standard", "full")
DEVICES = ("cpu", "cuda", "all")


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Globs for names (several are separated by commas), where to look, and the limits of one cell.

    `folder` holds the case files (None: the shipped ones), `timeout` is in seconds (None: 60, and 600 in the full tier,
    which compiles without haste), `memory` in MB.
    """

    cases: str = "*"
    quantities: str = "*"
    implementations: str = "*"
    adapter: str | None = None
    dtypes: tuple[str, ...] = ("float64", "float32")
    devices: tuple[str, ...] = ("cpu",)
    folder: str | None = None
    tier: str = "standard"
    timeout: float | None = None
    memory: int = 4096

    def __post_init__(self) -> None:
        for dtype in self.dtypes:
            check_dtype(dtype)
        for device in self.devices:
            if device not in DEVICES:
                raise UsageError(unknown("device", device, dict.fromkeys(DEVICES)))
        if self.tier not in TIERS:
            raise UsageError(unknown("tier", self.tier, dict.fromkeys(TIERS)))
        if not self.dtypes or not self.devices:
            raise UsageError("at least one dtype and one device is needed")
        if self.timeout is not None and not self.timeout > 0:
            raise UsageError(f"the time limit of a cell must be above 0 seconds, not {self.timeout:g}")
        if self.memory <= 0:
            raise UsageError(f"the memory limit of a cell must be above 0 MB, not {self.memory}")

    @property
    def seconds(self) -> float:
        """The time limit of one cell."""
        return self.timeout or (600.0 if self.tier == "full" else 60.0)
