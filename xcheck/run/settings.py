"""Settings: what a run was asked for; two runs with equal settings have equal cells."""

from __future__ import annotations

import msgspec

from xcheck._arguments import of_kind, one_of, positive, whole, words
from xcheck._dtypes import check_dtype
from xcheck._errors import UsageError
from xcheck.quantity import TIERS

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
        for name in ("cases", "quantities", "implementations"):
            of_kind(name, getattr(self, name), str, "globs of names, such as 'tanh_*'")
        for name in ("adapter", "folder"):
            of_kind(name, getattr(self, name), (str, type(None)), "text")
        for dtype in words("dtypes", self.dtypes):
            check_dtype(dtype)
        for device in words("devices", self.devices):
            one_of("device", device, DEVICES)
        one_of("tier", self.tier, TIERS)
        if not self.dtypes or not self.devices:
            raise UsageError("at least one dtype and one device is needed")
        if self.timeout is not None:
            positive("the time limit of a cell, in seconds,", self.timeout, most=10**6)
        whole("the memory limit of a cell, in MB,", self.memory, least=1, most=10**9)

    @property
    def seconds(self) -> float:
        """The time limit of one cell."""
        return self.timeout or (600.0 if self.tier == "full" else 60.0)
