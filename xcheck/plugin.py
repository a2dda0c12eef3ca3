"""The pytest plugin: what `xcheck.parametrize` and `xcheck.Suite` need of a test run.

::

    --xcheck-tier smoke|standard|full   how many cases (default: smoke, under 30 s)
    --xcheck-suite 0.1                  only cases that this release had, so that an upgrade reddens nothing
    --xcheck-offline                    shipped references only; the rest is skipped as no_reference
    --xcheck-limitations FILE           known gaps, one a line: id globs, expected outcome, reason, link

It is loaded in every pytest run of whoever installs xcheck, so it imports nothing of xcheck until a test needs it.
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import xcheck

if TYPE_CHECKING:
    from xcheck._gaps import Gap
    from xcheck._subject import JudgedProblem, Subject

PROBLEM = pytest.StashKey["JudgedProblem"]()
TIERS = ("smoke", "standard", "full")


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options above."""
    group = parser.getgroup("xcheck", "derivatives judged by a certified reference")
    group.addoption("--xcheck-tier", choices=TIERS, default="smoke", help="how many cases; smoke: under 30 s")
    group.addoption("--xcheck-suite", metavar="RELEASE", help="only cases that this release of xcheck had, such as 0.1")
    group.addoption("--xcheck-offline", action="store_true", help="shipped references only; the rest is skipped")
    group.addoption("--xcheck-limitations", type=Path, metavar="FILE", help="known gaps, one a line; strict both ways")


def pytest_configure(config: pytest.Config) -> None:
    """Refuses a release that is none, or that this xcheck cannot know."""
    release = config.getoption("xcheck_suite")
    if release is not None and _release(release) > _release(xcheck.__version__):
        raise pytest.UsageError(
            f"--xcheck-suite {release}: this is xcheck {xcheck.__version__}, which has no later cases"
        )


def subject_of(item: pytest.Item) -> Subject | None:
    """What an item is about; None for a test that is none of xcheck's."""
    callspec = getattr(item, "callspec", None)
    values = [] if callspec is None else [callspec.params.get("problem"), callspec.params.get("subject")]
    return next((value for value in values if type(value).__module__ == "xcheck._subject"), None)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselects what the tier or the release leaves out; adds a failing item for each limitation that covers none."""
    subjects = [(item, subject) for item in items if (subject := subject_of(item)) is not None]
    file: Path | None = config.getoption("xcheck_limitations")
    if file is not None:
        from xcheck._errors import UsageError
        from xcheck._gaps import read_gaps

        try:
            gaps = read_gaps(file)
        except UsageError as error:
            raise pytest.UsageError(str(error)) from None
        for _, subject in subjects:
            subject.limitations += tuple(gap.limitation for gap in gaps if gap.covers(subject.cell.id))
        unmatched = [gap for gap in gaps if not any(gap.covers(subject.cell.id) for _, subject in subjects)]
        items += [Unmatched.from_parent(session, name=gap.place, gap=gap) for gap in unmatched]
    left_out = {item for item, subject in subjects if _left_out(config, subject)}
    if left_out:
        config.hook.pytest_deselected(items=[item for item in items if item in left_out])
        items[:] = [item for item in items if item not in left_out]


def _left_out(config: pytest.Config, subject: Subject) -> bool:
    from xcheck.run.plan import tier_of

    release = config.getoption("xcheck_suite")
    newer = release is not None and _release(subject.case.since) > _release(release)
    asked = TIERS.index(config.getoption("xcheck_tier"))
    return newer or tier_of(subject.case, subject.implementation) > asked


def _release(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split("."))
    except ValueError:
        raise pytest.UsageError(f"--xcheck-suite {text!r} is no release; expected numbers such as 0.1") from None


class Unmatched(pytest.Item):
    """A line of the file of limitations that covers no collected test."""

    def __init__(self, *, gap: Gap, **options: Any) -> None:
        super().__init__(**options)
        self.gap = gap

    def runtest(self) -> None:
        pytest.fail(f"{self.gap.pattern} covers no test that was collected: mend the line or remove it", pytrace=False)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        return self.path, None, self.name


@pytest.fixture
def problem(request: pytest.FixtureRequest) -> JudgedProblem:
    """The `xcheck.Problem` of a test under `@xcheck.parametrize`."""
    from xcheck._subject import prepare

    made = prepare(request.param, bool(request.config.getoption("xcheck_offline")))
    request.node.stash[PROBLEM] = made
    return made


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Runs a test in the precision of its problem, and turns what happened into pytest's words."""
    problem = item.stash.get(PROBLEM, None)
    if problem is None:
        return (yield)
    from xcheck._subject import conclude

    error: Exception | None = None
    with problem.precision():
        try:
            yield
        except Exception as caught:  # whatever a test raises is its outcome; pytest's own words are no Exception
            error = caught
    conclude(problem, error)
    return True
