"""The quick table through pytest-benchmark, as its users run it: in a process of its own, with a wrong way planted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from xcheck._lazy import installed

ROOT = Path(__file__).parents[1]
WAYS = "linear_gaussian and (planted or raises or absent or torch_closed_form_linear or torch_layerwise_fused)"
PLANTED = """
from xcheck.quantities import load_quantities
from xcheck.quantity import implements
from xcheck.result import Limitation

load_quantities()
known = Limitation("is declared", "docs/findings.md", outcome="raised", case="linear_*")

@implements("ggn", "planted", "torch", cases="linear_gaussian*, nothing_else")
def planted(problem):
    return 2 * problem.xp.ones((2, 2))

@implements("ggn", "raises", "torch", limitations=(known,))
def raises(problem):
    raise RuntimeError("as declared")

@implements("ggn", "absent", "torch", needs=("no_such_package",))
def absent(problem):
    raise AssertionError("must not be called")
"""


@pytest.mark.skipif(not (installed("pytest_benchmark") and installed("torch")), reason="needs the extra 'bench', torch")
def test_right_ways_are_timed_and_the_others_say_why_not(tmp_path: Path) -> None:
    (tmp_path / "planted.py").write_text(PLANTED)
    line = [sys.executable, "-m", "pytest", "tests/benchmarks/test_bench.py", "--benchmark-only", "-rsxf", "-k", WAYS]
    line += ["-p", "planted", "-p", "no:cacheprovider", "-o", f"pythonpath={tmp_path} tests"]
    line += [f"--benchmark-json={tmp_path / 'bench.json'}"]
    # A benchmark refuses to be one of several workers, and the variables of ours would make it one.
    alone = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(line, cwd=ROOT, env=alone, capture_output=True, text=True, timeout=300, check=False)
    said = done.stdout + done.stderr
    assert "1 failed" in said, said
    assert "disagrees: " in said
    assert "is declared (docs/findings.md)" in said
    assert "torch_absent needs the package no_such_package" in said
    found = json.loads((tmp_path / "bench.json").read_text())
    timed = {one["name"].split("-1-")[1].rstrip("]") for one in found["benchmarks"]}
    assert "torch_closed_form_linear" in timed
    assert timed <= {"torch_closed_form_linear", "torch_layerwise_fused"}  # kernels need a C++ compiler
    for one in found["benchmarks"]:
        assert one["group"] == "linear_gaussian/ggn/float32/cpu/1"
        assert one["extra_info"]["outcome"] == "agrees"
        assert one["extra_info"]["ratio_low"] <= one["extra_info"]["ratio"] <= one["extra_info"]["ratio_high"]
    assert {"revision", "versions", "facts"} <= set(found["machine_info"])
