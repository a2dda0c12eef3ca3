"""What is no test, what every test leaves as it was, and a search that fails fails the test."""

from collections.abc import Iterator

import pytest
from registries import restored

#: Modules that commands import as a user's adapter, and the changes to our own code, which have a session.
collect_ignore = ["adapters", "mutants"]


@pytest.fixture(autouse=True)
def no_failed_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """In use the verdict stands, whatever a hypothesis raises; here that is a mistake to be seen."""

    def failed(error: Exception) -> None:
        raise error

    monkeypatch.setattr("xcheck.diagnose._search.failed", failed)


@pytest.fixture(autouse=True)
def no_width(monkeypatch: pytest.MonkeyPatch) -> None:
    """COLUMNS is a reader's word for the width of a table; pytest-xdist sets it in its processes."""
    monkeypatch.delenv("COLUMNS", raising=False)


@pytest.fixture(scope="module", autouse=True)
def registries_of_a_file() -> Iterator[None]:
    """Those that its fixtures fill."""
    with restored():
        yield


@pytest.fixture(autouse=True)
def registries_of_a_test() -> Iterator[None]:
    """Those that the test fills."""
    with restored():
        yield
