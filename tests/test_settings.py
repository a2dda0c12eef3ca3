"""What a run is asked for: the time limit of a cell goes by the tier, and a name for an adapter must be importable."""

from __future__ import annotations

from pathlib import Path

import pytest

from xcheck._errors import UsageError
from xcheck.run.scaffold import new_adapter
from xcheck.run.settings import Settings


@pytest.mark.parametrize(
    ("tier", "timeout", "seconds"),
    [("smoke", None, 60), ("standard", None, 60), ("full", None, 600), ("full", 5.0, 5), ("smoke", 0.5, 0.5)],
)
def test_the_time_limit_goes_by_the_tier_unless_it_is_given(tier: str, timeout: float | None, seconds: float) -> None:
    assert Settings(tier=tier, timeout=timeout).seconds == seconds


@pytest.mark.parametrize("name", ["Mine", "my-lib", "2nd", "", "my.lib", "MY_LIB"])
def test_an_adapter_has_the_name_of_a_module(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no name for a module"):
        new_adapter(name, tmp_path)
    assert not [*tmp_path.iterdir()]
