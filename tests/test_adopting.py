"""The example in examples/adopting: a stranger's library sees its three faults named."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import xcheck

ROOT = Path(xcheck.__file__).parents[1]
EXAMPLE = ROOT / "examples" / "adopting"

FAULTS = {
    "test_ggn": "most likely  equals 1000 x the reference (here also n, n*c)",
    "test_hessian_diagonal": "most likely  is the diagonal of the GGN, not the diagonal of the Hessian",
    "test_hvp": "most likely  was computed or stored in float32",
}


def test_the_three_faults_are_named():
    plugin = () if "xcheck" in entry_points(group="pytest11").names else ("-p", "xcheck.plugin")
    options = ("--xcheck-tier", "standard", "-k", "tanh_mlp_trained and float64", "-p", "no:cacheprovider", "-rA")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *plugin, *options], cwd=EXAMPLE, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert "PASSED test_tinycurv.py::test_gradient[tanh_mlp_trained-float64]" in done.stdout
    assert "3 failed, 1 passed" in done.stdout
    for test, said in FAULTS.items():
        section = done.stdout.split(f" {test}[tanh_mlp_trained-float64] _", 1)[1]
        assert said in section.split("\n____", 1)[0], f"{test}: {done.stdout}"
