"""A library's tests in three lines, its entry points, and the file to start from."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import xcheck
from xcheck._errors import UsageError
from xcheck.cli import main
from xcheck.run.scaffold import new_adapter

ROOT = Path(xcheck.__file__).parents[1]

ADAPTER = """
import torch
from xcheck import implements

def right(problem):
    theta = problem.theta.clone().requires_grad_()
    return torch.autograd.grad(problem.objective(theta), theta)[0]

@implements("gradient", "right", "torch", cases="linear_gaussian")
def mine(problem):
    return right(problem)

@implements("gradient", "doubled", "torch", cases="linear_gaussian")
def doubled(problem):
    return 2 * right(problem)

@implements("hvp", "gap", "torch", cases="linear_gaussian")
def gap(problem):
    raise NotImplementedError("no rule yet")
"""

TESTS = """
import xcheck

suite = xcheck.Suite("some_adapter", dtypes=("float64",))
suite.expect("raised", "no rule yet", "https://example.org/3", quantity="hvp")
suite.expect("disagrees", "is said to be wrong", "https://example.org/4", quantity="gradient", dtype="float32")
globals().update(suite.tests)
"""

CASES = """
from xcheck import Case, Normal
from xcheck.program import Linear, mse

net = Linear(2, 1)
foreign = Case(name="foreign", program=net, params=net.init(seed=7), inputs={"x": Normal((4, 2), seed=8)},
               targets=Normal((4, 1), seed=9), loss=mse(), quantities=("gradient",))
"""


def environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{folder}", "OMP_NUM_THREADS": "1"}


def python(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment(folder), capture_output=True, text=True
    )


def test_three_lines_are_a_test_suite(tmp_path):
    (tmp_path / "some_adapter.py").write_text(ADAPTER)
    (tmp_path / "test_it.py").write_text(TESTS)
    plugin = () if "xcheck" in entry_points(group="pytest11").names else ("-p", "xcheck.plugin")
    done = python(tmp_path, "-m", "pytest", *plugin, "-p", "no:cacheprovider", "-rA", "test_it.py")
    assert "1 failed, 1 passed, 1 xfailed" in done.stdout, done.stdout
    for said in (
        "PASSED test_it.py::test_gradient[torch_right-linear_gaussian-float64]",
        "FAILED test_it.py::test_gradient[torch_doubled-linear_gaussian-float64]",
        "equals 2 x the reference",
        "reproduce    xcheck explain linear_gaussian/gradient/torch_doubled/float64/cpu --adapter some_adapter",
        "known_limitation: no rule yet (https://example.org/3); raised: NotImplementedError: no rule yet",
    ):
        assert said in done.stdout, said


def test_an_unknown_adapter_or_outcome_is_one_line():
    with pytest.raises(UsageError, match="no module 'no_such_adapter'"):
        xcheck.Suite("no_such_adapter")
    with pytest.raises(UsageError, match="unknown outcome 'broken'"):
        xcheck.Suite("xcheck.libraries.backpack").expect("broken", "reason", "link")


def test_an_installed_package_adds_cases_and_implementations(tmp_path):
    (tmp_path / "some_adapter.py").write_text(ADAPTER.replace("linear_gaussian", "foreign"))
    (tmp_path / "some_cases.py").write_text(CASES)
    metadata = tmp_path / "somelib-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: somelib\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        "[xcheck.cases]\nsomelib = some_cases\n[xcheck.implementations]\nsomelib = some_adapter\n"
    )
    options = ["--case", "foreign", "--implementation", "torch_right,torch_doubled", "--dtype", "float64"]
    done = python(tmp_path, "-m", "xcheck", "verify", *options, "--json", str(tmp_path / "verify.json"))
    found = {result.implementation: str(result.outcome) for result in xcheck.Results.load(tmp_path / "verify.json")}
    assert found == {"torch_right": "agrees", "torch_doubled": "disagrees"}, done.stderr
    assert done.returncode == 1
    (tmp_path / "some_adapter.py").write_text("import no_such_module")
    done = python(tmp_path, "-m", "xcheck", "verify", *options)
    assert done.returncode == 2
    assert "unknown implementation 'torch_right'" in done.stderr
    assert "left out: the implementations of the package 'somelib' (some_adapter) cannot be imported" in done.stderr


def test_a_new_adapter_runs_as_it_is(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["new", "adapter", "fresh_adapter"]) == 0
    assert "xcheck verify --adapter fresh_adapter" in capsys.readouterr().out
    line = ["-m", "xcheck", "verify", "--adapter", "fresh_adapter", "--tier", "smoke", "--dtype", "float64"]
    done = python(tmp_path, *line)
    assert done.returncode == 0, done.stdout + done.stderr
    assert main(["new", "adapter", "fresh_adapter"]) == 2
    with pytest.raises(UsageError, match="no name for a module"):
        new_adapter("My-Lib")
