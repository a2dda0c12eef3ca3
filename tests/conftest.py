"""What is no test: modules that commands import as a user's adapter; and a search that fails fails the test."""

import pytest

collect_ignore = ["adapters"]


@pytest.fixture(autouse=True)
def no_failed_search(monkeypatch):
    """In use the verdict stands, whatever a hypothesis raises; here that is a mistake to be seen."""

    def failed(error):
        raise error

    monkeypatch.setattr("xcheck.diagnose._search.failed", failed)
