"""The experiment of docs/oracle.md still shows what the page says."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from xcheck._lazy import installed

SCRIPT = Path(__file__).parents[2] / "docs" / "experiments" / "derivative_program.py"


@pytest.mark.skipif(not installed("jax"), reason="the experiment is about JAX's derivative program")
def test_a_derivative_program_in_exact_arithmetic_is_certified_and_wrong() -> None:
    found = runpy.run_path(str(SCRIPT))["main"]()
    derived, own, proven = (found[name] for name in ("derived by JAX", "xcheck's rules", "rule-free"))
    assert derived.rad() < 1e-37
    assert not derived.overlaps(own)
    assert 0.9e-9 < float((derived / own - 1).mid()) < 1.1e-9
    assert own.overlaps(proven)
    assert own.overlaps(found["1 - tanh(x)^2"])
