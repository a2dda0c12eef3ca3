"""xcheck inside a foreign test suite: a decorator for tests of one's own, or an adapter's tests in three lines."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from xcheck._arguments import of_kind, one_of, words
from xcheck._errors import UnknownName, UsageError
from xcheck._files import path_of
from xcheck._load import load_cases
from xcheck._reference import find_quantity
from xcheck._registry import unknown
from xcheck._subject import Subject, report
from xcheck.quantity import FRAMEWORKS, Implementation, check_need
from xcheck.result import Convention, Limitation, Outcome, Result, matches
from xcheck.run.adapters import import_adapter
from xcheck.run.plan import plan
from xcheck.run.settings import Settings
from xcheck.run.work import result, work

Test = Callable[..., None]


def parametrize(
    quantity: str,
    *,
    framework: str,
    dtypes: Iterable[str] = ("float64", "float32"),
    cases: str = "*",
    folder: str | Path | None = None,
    needs: tuple[str, ...] = (),
    convention: Convention | None = None,
    limitations: tuple[Limitation, ...] = (),
) -> Callable[[Test], Test]:
    """A test with the argument `problem`, once for each case that lists the quantity and each dtype.

    Args:
        cases: globs of names; several are separated by commas.
        folder: of case files, in place of the shipped cases.
        needs, convention, limitations: as in `xcheck.implements`.

    Raises:
        UsageError: an unknown quantity, framework, dtype or case, or none is left.

    >>> @parametrize("gradient", framework="torch", dtypes=("float64",), cases="tanh_mlp,tanh_mlp_trained")
    ... def test_gradient(problem):
    ...     problem.check(mylib.gradient(problem.module, problem.loss_module, problem.batches(32)))
    >>> [param.id for param in test_gradient.pytestmark[0].args[1]]
    ['tanh_mlp-float64', 'tanh_mlp_trained-float64']
    """
    one_of("framework", framework, FRAMEWORKS)
    settings = _settings(folder, dtypes=words("dtypes", dtypes), cases=cases)
    wanted = find_quantity(quantity).name
    for need in words("needs", needs):
        check_need(need)
    of_kind("convention", convention, (Convention, type(None)), "an xcheck.Convention")
    for limitation in of_kind("limitations", limitations, (tuple, list), "a tuple of xcheck.Limitation"):
        of_kind("a limitation", limitation, Limitation, "an xcheck.Limitation")
    _refuse_globs_of_nothing(settings)

    def decorate(test: Test) -> Test:
        declared = Implementation(
            name=f"{framework}_{test.__name__.removeprefix('test_')}", quantity=wanted, framework=framework,
            function=test, prepare=None, needs=needs, variant="eager", convention=convention or Convention(),
            limitations=limitations, samples=None, cases=cases, tier="smoke",
        )  # fmt: skip
        subjects = _subjects(settings, declared)
        params = [pytest.param(one, id=f"{one.case.name}-{one.dtype}") for one in subjects]
        return pytest.mark.parametrize("problem", params, indirect=True)(test)

    return decorate


class Suite:
    """All cases as tests of the implementations that one module registers.

    >>> suite = Suite("xcheck.libraries.backpack")
    >>> suite.expect("raised", "no rule yet", "https://example.org/1", quantity="hvp", case="conv_*")
    >>> "test_hvp" in suite.tests
    True
    """

    def __init__(
        self, adapter: str, *, dtypes: Iterable[str] = ("float64", "float32"), folder: str | Path | None = None
    ) -> None:
        of_kind("adapter", adapter, str, "the dotted name of a module")
        self.settings = _settings(folder, dtypes=words("dtypes", dtypes), adapter=adapter)
        import_adapter(adapter)
        self.limitations: list[Limitation] = []

    def expect(
        self,
        outcome: str,
        reason: str,
        link: str,
        *,
        case: str = "*",
        quantity: str = "*",
        dtype: str = "*",
    ) -> None:
        """Declares a known gap, strict both ways: it must come out as `outcome`, or its test fails."""
        self.limitations.append(Limitation(reason, link, outcome=outcome, case=case, quantity=quantity, dtype=dtype))

    @property
    def tests(self) -> dict[str, Test]:
        """`test_<quantity>` to a test of every implementation, case and dtype; `globals().update(suite.tests)`."""
        subjects: dict[str, list[Subject]] = {}
        for cell in plan(self.settings, load_cases(self.settings.folder)):
            case = load_cases(self.settings.folder)[cell.case]
            one = Subject(case, cell.declared, cell.dtype, self.settings, tuple(self.limitations))
            subjects.setdefault(cell.quantity, []).append(one)
        return {f"test_{quantity}": _test(quantity, found) for quantity, found in subjects.items()}


def _test(quantity: str, subjects: list[Subject]) -> Test:
    def test(subject: Subject, request: pytest.FixtureRequest) -> None:
        __tracebackhide__ = True
        report(subject, compute(subject, bool(request.config.getoption("xcheck_offline", default=False))))

    test.__name__ = f"test_{quantity}"
    params = [pytest.param(one, id=f"{one.implementation.name}-{one.case.name}-{one.dtype}") for one in subjects]
    return pytest.mark.parametrize("subject", params)(test)


def compute(subject: Subject, offline: bool) -> Result:
    """The cell of a subject, computed twice and judged, in this process."""
    reason = subject.lacking(offline)
    if reason:
        return result(subject.cell, Outcome.NO_REFERENCE, reason)
    return work((subject.cell, subject.settings))


def _subjects(settings: Settings, declared: Implementation) -> list[Subject]:
    found = [
        Subject(case, declared, dtype, settings)
        for case in load_cases(settings.folder).values()
        if declared.quantity in case.quantities and matches(case.name, settings.cases)
        for dtype in settings.dtypes
        if dtype != "float32" or case.holds_in_float32
    ]
    if not found:
        raise UsageError(f"no case matching {settings.cases!r} lists the quantity {declared.quantity!r}")
    return found


def _refuse_globs_of_nothing(settings: Settings) -> None:
    known = load_cases(settings.folder)
    for glob in settings.cases.split(","):
        if not any(matches(name, glob.strip().removeprefix("!")) for name in known):
            raise UnknownName(unknown("case", glob.strip(), known))


def _settings(folder: str | Path | None, **options: Any) -> Settings:
    place = None if folder is None else str(path_of("folder", folder).resolve())
    return Settings(folder=place, tier="full", **options)
