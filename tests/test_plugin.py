"""The pytest plugin: every outcome in pytest's words, the options, xdist, and what the plugin costs where unused."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import xcheck

pytest_plugins = ["pytester"]

#: An installed xcheck brings the plugin by its entry point, and a plugin must not be named twice.
PLUGIN = () if "xcheck" in entry_points(group="pytest11").names else ("-p", "xcheck.plugin")

#: A library with right and wrong functions, as somebody else's test file sees it.
PREAMBLE = """
import pytest, torch, xcheck
from xcheck import Limitation, Unsupported

def gradient(problem):
    theta = problem.theta.clone().requires_grad_()
    return torch.autograd.grad(problem.objective(theta), theta)[0]

def gap(outcome, **where):
    return (Limitation("a gap of the test", "https://example.org/gap", outcome=outcome, **where),)

def cases(**options):
    defaults = {"dtypes": ("float64",), "cases": "linear_gaussian"}
    return xcheck.parametrize("gradient", framework="torch", **{**defaults, **options})
"""

CASE = """
from xcheck import Case, Normal
from xcheck.program import Linear, mse

net = Linear(2, 1)
fresh = Case(name="fresh", program=net, params=net.init(seed=7), inputs={"x": Normal((4, 2), seed=8)},
             targets=Normal((4, 1), seed=9), loss=mse(), quantities=("gradient", "ggn"), since="0.1", tier="smoke")
"""


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch):
    """Runs pytest with the plugin over a test file, in a process of its own, since torch cannot be imported twice."""
    root = str(Path(xcheck.__file__).parents[1])
    monkeypatch.setenv("PYTHONPATH", root)
    monkeypatch.setenv("XCHECK_CACHE", str(pytester.path / "cache"))

    def run(body: str, *options: str) -> pytest.RunResult:
        pytester.makepyfile(test_foreign=PREAMBLE + body)
        return pytester.runpytest_subprocess(*PLUGIN, "-p", "no:cacheprovider", "-rA", *options)

    return run


OUTCOMES = """
@cases()
def test_right(problem): problem.check(gradient(problem))

@cases()
def test_doubled(problem): problem.check(2 * gradient(problem))

@cases()
def test_raising(problem): raise ValueError("no such thing")

@cases()
def test_declining(problem): raise Unsupported("not for this case")

@cases()
def test_not_judged(problem): gradient(problem)

@cases()
def test_changing_input(problem):
    problem.check(gradient(problem))
    problem.inputs[0].mul_(2)

@cases()
def test_changing_state(problem):
    problem.check(gradient(problem))
    problem.module.eval()

@cases(limitations=gap("disagrees"))
def test_known(problem): problem.check(2 * gradient(problem))

@cases(limitations=gap("disagrees"))
def test_mended(problem): problem.check(gradient(problem))

@cases(limitations=gap("disagrees"))
def test_other_fault(problem): raise ValueError("another fault")

@cases(needs=("no_such_package",))
def test_unmet(problem): problem.check(gradient(problem))

@cases(convention=xcheck.Convention(scale="2"))
def test_convention(problem): problem.check(2 * gradient(problem))
"""

EXPECTED = {
    "right": "PASSED", "doubled": "FAILED", "raising": "FAILED", "declining": "SKIPPED", "not_judged": "FAILED",
    "changing_input": "FAILED", "changing_state": "FAILED", "known": "XFAIL", "mended": "FAILED",
    "other_fault": "FAILED", "unmet": "SKIPPED", "convention": "PASSED",
}  # fmt: skip


def test_every_outcome_in_pytests_words(run):
    found = run(OUTCOMES)
    lines = found.outlines
    for name, word in EXPECTED.items():
        if word != "SKIPPED":  # pytest folds skips by their place
            assert any(line.startswith(word) and f"test_{name}[linear_gaussian-float64]" in line for line in lines), (
                name
            )
    found.assert_outcomes(passed=2, failed=7, skipped=2, xfailed=1)
    text = found.stdout.str()
    for said in (
        "equals 2 x the reference", "unsupported: not for this case", "needs the package no_such_package",
        "the test judged nothing: hand its result to problem.check(...)", "mutated_input: changed: inputs/x",
        "mutated_state: changed: module.training", "known_limitation: a gap of the test (https://example.org/gap)",
        "declared to be disagrees (a gap of the test), but came agrees", "but came raised: ValueError: another fault",
    ):  # fmt: skip
        assert said in text, said


def test_ids_select(run):
    wanted = "cases='linear_gaussian*', dtypes=('float64', 'float32')"
    body = f"@cases({wanted})\ndef test_g(problem): problem.check(gradient(problem))"
    run(body, "-k", "linear_gaussian_3_2 and float32").assert_outcomes(passed=1, deselected=6)


def test_tier_and_release(run, pytester):
    body = "@cases(cases='*')\ndef test_g(problem): problem.check(gradient(problem))"
    smoke, standard = run(body).parseoutcomes(), run(body, "--xcheck-tier", "standard").parseoutcomes()
    assert smoke["passed"] >= 2
    assert standard["passed"] > smoke["passed"]
    folder = pytester.mkdir("cases")
    (folder / "fresh.py").write_text(CASE)
    body = f"@cases(cases='*', folder={str(folder)!r})\ndef test_g(problem): problem.check(gradient(problem))"
    run(body, "--xcheck-suite", "0.0").assert_outcomes(deselected=1)
    run(body, "--xcheck-suite", "0.1").assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("release", "said"), [("9.9", "this is xcheck 0.1.0, which has no later cases"), ("new", "is no release; expected")]
)
def test_a_release_that_cannot_be_is_one_line(run, release, said):
    found = run("", "--xcheck-suite", release)
    assert found.ret == pytest.ExitCode.USAGE_ERROR
    found.stderr.fnmatch_lines([f"ERROR: --xcheck-suite *{said}*"])


def test_limitations_file(run, pytester):
    body = "@cases()\ndef test_g(problem): problem.check(2 * gradient(problem))"
    file = pytester.path / "gaps.txt"
    file.write_text("# known\nlinear_gaussian/gradient/torch_g/*/cpu disagrees twice as much https://example.org/2\n")
    run(body, "--xcheck-limitations", str(file)).assert_outcomes(xfailed=1)
    file.write_text("nowhere/gradient/*/*/cpu disagrees twice as much https://example.org/2\n")
    found = run(body, "--xcheck-limitations", str(file))
    found.assert_outcomes(failed=2)
    found.stdout.fnmatch_lines(["*nowhere/gradient/*/*/cpu covers no test that was collected*"])
    file.write_text("nowhere disagrees\n")
    found = run(body, "--xcheck-limitations", str(file))
    found.stderr.fnmatch_lines(["*line 1: 'nowhere disagrees'; expected case/quantity/implementation*"])


#: Counts how often a reference is made, over all processes, while it computes slowly enough for a race.
COUNTING = """
import time
from pathlib import Path
from xcheck import _subject

made = _subject.make_references

def counted(cells, *arguments, **options):
    with (Path(__file__).parent / "count").open("a") as file:
        file.write(".")
    return made(cells, *arguments, **options)

_subject.make_references = counted
"""


def test_a_missing_reference_is_made_once_under_xdist(run, pytester):
    folder = pytester.mkdir("cases")
    (folder / "fresh.py").write_text(CASE)
    pytester.makeconftest(COUNTING)
    wanted = f"@cases(cases='fresh', folder={str(folder)!r})\ndef test_%s(problem): problem.check(gradient(problem))\n"
    body = "".join(wanted % name for name in ("a", "b"))
    run(body, "--xcheck-offline").assert_outcomes(skipped=2)
    assert not (pytester.path / "count").exists()
    # Each process runs both tests, and pytest-xdist refuses two processes that collect in different orders.
    run(body, "-n", "2", "--dist", "each").assert_outcomes(passed=4)
    assert (pytester.path / "count").read_text() == "."


def test_it_imports_nothing_where_unused():
    script = "import sys, time; t = time.perf_counter(); import pytest; p = time.perf_counter(); import xcheck.plugin; "
    script += "print(time.perf_counter() - p, sorted({'numpy', 'torch', 'jax', 'flint', 'msgspec'} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=dict(os.environ)
    )
    seconds, modules = done.stdout.split(maxsplit=1)
    assert modules.strip() == "[]"
    assert float(seconds) < 0.3
