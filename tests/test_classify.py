"""What an exception means: whose fault it is, by what was being done; one bad case costs its own cells only."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest

import xcheck
from xcheck import _errors
from xcheck.cli import main
from xcheck.result import Document, Outcome, Result
from xcheck.run.classify import Stage, classify, exception_line, exception_trace
from xcheck.run.plan import Cell
from xcheck.run.results import Results
from xcheck.run.settings import Settings
from xcheck.run.work import work

LACKS = ("NoReference", "Undecidable", "UnknownPrimitive")


@pytest.mark.parametrize("stage", Stage)
@pytest.mark.parametrize("name", LACKS)
def test_what_xcheck_lacks_is_nobody_elses_fault(name, stage):
    found = classify(getattr(_errors, name)("why"), stage)
    assert (found.outcome, found.reason, found.fault) == (Outcome.NO_REFERENCE, f"{name}: why", None)


@pytest.mark.parametrize(
    ("error", "stage", "outcome", "fault"),
    [
        (_errors.GuardFailed("x"), Stage.EXACT, "no_reference", "xcheck"),
        (_errors.StoreError("x"), Stage.JUDGING, "no_reference", "input"),
        (_errors.CaseError("x"), Stage.PROBLEM, "no_reference", "input"),
        (_errors.Unsupported("x"), Stage.IMPLEMENTATION, "unsupported", None),
        (_errors.MissingFramework("x"), Stage.PROBLEM, "unsupported", None),
        (_errors.UsageError("scale"), Stage.JUDGING, "raised", None),
        (TypeError("x"), Stage.PROBLEM, "raised", None),
        (TypeError("x"), Stage.IMPLEMENTATION, "raised", None),
        (TypeError("x"), Stage.EXACT, "no_reference", None),
        (TypeError("x"), Stage.JUDGING, "no_reference", "xcheck"),
        (SystemExit(0), Stage.IMPLEMENTATION, "raised", None),
        (GeneratorExit(), Stage.IMPLEMENTATION, "raised", None),
        (MemoryError(), Stage.IMPLEMENTATION, "out_of_memory", None),
        (RuntimeError("RESOURCE_EXHAUSTED: 8 TB"), Stage.IMPLEMENTATION, "out_of_memory", None),
    ],
)
def test_the_stage_says_whose_fault_it_is(error, stage, outcome, fault):
    found = classify(error, stage)
    assert (found.outcome, found.fault) == (outcome, fault)


def test_who_interrupts_a_host_is_heard_and_a_worker_has_no_keyboard(monkeypatch):
    with pytest.raises(KeyboardInterrupt):
        classify(KeyboardInterrupt(), Stage.IMPLEMENTATION)
    monkeypatch.setattr("xcheck.run.classify.parent_process", multiprocessing.current_process)
    assert classify(KeyboardInterrupt(), Stage.IMPLEMENTATION).outcome is Outcome.RAISED


class Hostile(Exception):
    def __str__(self) -> str:
        raise ValueError("no text")


@pytest.mark.parametrize("error", [ValueError("\ud800\x1b[2J\n" + "x" * 10**7), Hostile(), ValueError("")])
def test_any_exception_is_one_bounded_printable_line(error):
    for stage in Stage:
        said = classify(error, stage).reason
        assert said.isprintable()
        assert len(said) < 500
        said.encode()
    assert exception_line(error).startswith(type(error).__name__)
    exception_trace(error).encode()


CASES = """
from xcheck import Case, Normal

def program(xp, params, inputs):
    return xp.tanh(params["w"] * inputs["x"])

def lacking(xp, params, inputs):
    return xp.cumulative_prod(params["w"] * inputs["x"], axis=0) if hasattr(xp, "arrays") else xp.no_such_function

def asked(xp, params, inputs):
    if not hasattr(xp, "arrays"):
        raise TypeError("only with the numbers of a framework")
    return xp.tanh(params["w"] * inputs["x"])

options = dict(params={"w": Normal((1,), 1)}, inputs={"x": Normal((4, 1), 2)}, quantities=("value", "jacobian_params"))
good = Case(name="good", program=program, **options)
unknown = Case(name="unknown", program=lacking, **options)
foreign = Case(name="foreign", program=asked, **options)
"""


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """A good case beside two that exact arithmetic cannot run."""
    folder = tmp_path_factory.mktemp("cases")
    (folder / "mixed.py").write_text(CASES)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XCHECK_CACHE", str(folder / "cache"))
        found = xcheck.verify("*", "value", "torch_f", dtypes=("float64",), folder=folder, jobs=1)
        (stored,) = (folder / "cache" / "references").glob("good.value.*")
        stored.write_bytes(b"damaged")
        again = xcheck.verify("*", "value", "torch_f", dtypes=("float64",), folder=folder, jobs=1)
    return found, again


def test_a_case_without_a_rule_does_not_take_the_good_one_with_it(mixed):
    outcomes = {one.case: str(one.outcome) for one in mixed[0]}
    assert outcomes == {"good": "agrees", "unknown": "no_reference", "foreign": "no_reference"}


def test_a_damaged_reference_is_told_and_the_run_goes_on(mixed):
    (good,) = (one for one in mixed[1] if one.case == "good")
    assert good.outcome == "no_reference"
    assert "is damaged" in good.reason
    assert (mixed[1].ok, mixed[1].exit_code) == (False, 2)


def result(outcome, case="a", implementation="torch_f", fault=None) -> Result:
    return Result(
        id="", case=case, quantity="value", implementation=implementation, framework="torch", dtype="float64",
        device="cpu", outcome=Outcome(outcome), fault=fault,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "results", "code"),
    [
        ({}, [], 0),
        ({}, [result("agrees"), result("no_reference", "b")], 0),
        ({}, [result("no_reference")], 1),
        ({"cases": "a*"}, [result("agrees"), result("no_reference", "b")], 0),
        ({"cases": "a,b"}, [result("agrees"), result("no_reference", "b")], 1),
        ({"cases": "a", "quantities": "value"}, [result("agrees"), result("unsupported", implementation="x")], 0),
        ({"implementations": "x"}, [result("unsupported", implementation="x")], 1),
        ({"cases": "a,!b"}, [result("unsupported"), result("agrees")], 0),
        ({}, [result("agrees"), result("no_reference", "b", fault="input")], 2),
        ({}, [result("disagrees"), result("no_reference", "b", fault="xcheck")], 3),
        ({"cases": "a"}, [result("known_limitation")], 0),
    ],
)
def test_nothing_judged_is_not_success(settings, results, code):
    found = Results(Document(settings=settings, results=results))
    assert (found.exit_code, found.ok) == (code, code == 0)


def test_explain_shows_the_traceback_and_does_not_call_nothing_judged_success(monkeypatch, capsys):
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "adapters"))
    shown = ["explain", "linear_gaussian/gradient/torch_raises/float64/cpu", "--adapter", "faulty_adapter"]
    assert main(shown) == 1
    said = capsys.readouterr().out
    assert "traceback    Traceback (most recent call last)" in said
    assert 'raise ValueError("no such thing' in said
    assert main([part.replace("raises", "declines") for part in shown]) == 1


def test_a_traceback_is_kept_for_whoever_explains(monkeypatch):
    cell = Cell("linear_gaussian", "gradient", "torch_grad", "float64", "cpu")
    monkeypatch.setattr("xcheck._execute.execute", lambda *_, **__: {}["missing"])
    found = work((cell, Settings(tier="full")))
    assert (found.outcome, found.reason) == ("raised", "KeyError: 'missing'")
    assert "test_classify.py" in found.text
