"""What one test item is about, and what its outcome means to pytest."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from xcheck import _problem, _reference, _store
from xcheck._errors import Mismatch, NoReference
from xcheck._execute import unmet
from xcheck._judge import Verdict
from xcheck._problem import Problem
from xcheck._snapshot import Snapshot
from xcheck.case import Case
from xcheck.diagnose import agreed, judge
from xcheck.quantities import load_quantities
from xcheck.quantity import Implementation
from xcheck.result import Limitation, Outcome, Result
from xcheck.run.classify import Stage, classify
from xcheck.run.plan import Cell
from xcheck.run.references import make_references, missing_references, wanted_by
from xcheck.run.settings import Settings
from xcheck.run.settle import settle


@dataclass(eq=False)
class Subject:
    """A case, and who computes which quantity of it; `settings` say where cases and adapter come from."""

    case: Case
    implementation: Implementation
    dtype: str
    settings: Settings
    limitations: tuple[Limitation, ...] = ()

    @property
    def cell(self) -> Cell:
        return Cell(self.case.name, self.implementation.quantity, self.implementation.name, self.dtype, "cpu")

    def lacking(self, offline: bool) -> str | None:
        """Why there is no reference to judge by; one that is missing is made first, by one process at a time.

        Raises:
            StoreError: the user's cache cannot be written.
        """
        quantity = load_quantities()[self.implementation.quantity]
        wanted = wanted_by(self.cell, self.case)
        try:
            name = _reference.file_name(self.case, quantity, wanted[2])
        except Exception as error:
            return classify(error, Stage.EXACT).reason
        shipped, cache = _store.folders()
        if offline:
            return None if (shipped / name).exists() else "no shipped reference, and --xcheck-offline makes none"
        if not missing_references([self.cell], self.settings.folder):
            return None
        with lock(cache / f"{name}.lock"):
            if not missing_references([self.cell], self.settings.folder):  # another process has made it meanwhile
                return None
            failure = make_references([self.cell], self.settings.folder, workers=1).get(wanted)
            return None if failure is None else failure.reason


@contextmanager
def lock(path: Path) -> Iterator[None]:
    """Held by one process at a time; the processes of pytest-xdist wait here for each other."""
    try:
        import fcntl
    except ImportError:  # Windows: the reference may be made twice, and is written whole either way
        yield
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@dataclass(eq=False)
class Trial:
    """One run of one test: the problem as it was, and what the judge has said so far."""

    subject: Subject
    before: Snapshot
    verdicts: list[Verdict] = field(default_factory=list)


@dataclass(frozen=True, eq=False, repr=False)
class JudgedProblem(Problem):
    """A `Problem` whose judge knows the declared convention, and remembers what it said."""

    trial: Trial | None = None

    def __repr__(self) -> str:
        return f"<problem {self.id}>"

    def judge(self, actual: Any) -> Verdict:
        assert self.trial is not None
        verdict = judge(
            actual, self.case, self.quantity, dtype=self.dtype, framework=self.framework,
            convention=self.trial.subject.implementation.convention,
        )  # fmt: skip
        self.trial.verdicts.append(verdict)
        return verdict

    def check(self, actual: Any) -> None:
        __tracebackhide__ = True
        agreed(self.judge(actual))


def prepare(subject: Subject, offline: bool) -> JudgedProblem:
    """The problem of a test; skips the test where it does not apply, or where there is no reference."""
    reason = subject.lacking(offline)
    if reason:
        pytest.skip(f"no_reference: {reason}")
    declared = subject.implementation
    made = _problem.problem(subject.case, declared.quantity, declared.framework, dtype=subject.dtype)
    reason = unmet(made, declared)
    if reason:
        pytest.skip(f"unsupported: {reason}")
    fields = {name: getattr(made, name) for name in (*_problem.DYNAMIC, *_problem.STATIC)}
    _problem.adapter(declared.framework).register(JudgedProblem, _problem.DYNAMIC, (*_problem.STATIC, "trial"))
    return JudgedProblem(**fields, trial=Trial(subject, made.snapshot()))


def conclude(problem: JudgedProblem, error: BaseException | None) -> None:
    """Ends a test by what happened: returns, or raises pytest's skip, xfail or failure, or the error itself."""
    assert problem.trial is not None
    report(problem.trial.subject, _result(problem, problem.trial, error), error)


def _result(problem: JudgedProblem, trial: Trial, error: BaseException | None) -> Result:
    cell = trial.subject.cell

    def found(outcome: Outcome, reason: str | None, text: str | None = None) -> Result:
        return Result(
            id=cell.id, case=cell.case, quantity=cell.quantity, implementation=cell.implementation,
            framework=problem.framework, dtype=cell.dtype, device=cell.device, outcome=outcome, reason=reason,
            text=text,
        )  # fmt: skip

    if isinstance(error, (Mismatch, NoReference)) and trial.verdicts:
        return found(trial.verdicts[-1].outcome, trial.verdicts[-1].reason, str(error))
    if error is not None:
        failure = classify(error, Stage.IMPLEMENTATION)
        return found(failure.outcome, failure.reason)
    changed = problem.changed(trial.before)
    if changed:
        return found(*changed)
    if not trial.verdicts:
        return found(Outcome.RAISED, "the test judged nothing: hand its result to problem.check(...)")
    missing = [verdict for verdict in trial.verdicts if verdict.outcome is Outcome.NO_REFERENCE]
    return found(Outcome.NO_REFERENCE, missing[0].reason) if missing else found(Outcome.AGREES, None)


def report(subject: Subject, result: Result, error: BaseException | None = None) -> None:
    """An outcome in pytest's words: pass, strict xfail, skip with the reason, or fail with the judge's message."""
    __tracebackhide__ = True
    settled = settle(result, (*subject.implementation.limitations, *subject.limitations))
    said = f"{settled.outcome}: {settled.reason}" if settled.reason else str(settled.outcome)
    if settled.outcome is Outcome.KNOWN_LIMITATION:
        pytest.xfail(said)
    if not settled.outcome.failed:
        if settled.outcome is not Outcome.AGREES:
            pytest.skip(said)
        return
    if error is not None and settled.outcome is not Outcome.STALE_LIMITATION:
        raise error
    pytest.fail(settled.text if settled.text and settled.outcome is Outcome.DISAGREES else said, pytrace=False)
