"""The heavy work that lies behind the border, replaced: what comes in is under test, not what is computed."""

from __future__ import annotations

import pytest
from rich.table import Table

from xcheck import _rebuild, _reference
from xcheck.bench import run as bench_run
from xcheck.bench import selfcheck
from xcheck.bench.schema import Bench
from xcheck.result import Document, Outcome
from xcheck.run import Results, exchange, libraries, references
from xcheck.run.plan import plan
from xcheck.run.pool import Failure


def crashed(function, tasks, **options):
    """Every cell as if its worker had crashed."""
    return ((task, Failure(Outcome.CRASHED, "by a stub")) for task in tasks)


def stub(patch: pytest.MonkeyPatch) -> None:
    """No worker process, no measurement and no exact arithmetic until `patch` is undone."""
    patch.setattr("xcheck.run.run_isolated", crashed)
    patch.setattr("xcheck.run.plan", lambda *arguments: plan(*arguments)[:50])
    patch.setattr("xcheck.run.make_references", lambda *arguments, **options: {})
    patch.setattr("xcheck._parity.parity", lambda *arguments, **options: Results(Document()))
    patch.setattr(bench_run, "bench", lambda settings, journal, terminal, save: Bench())
    patch.setattr(selfcheck, "selfcheck", list)
    patch.setattr(libraries, "look", lambda name: (None, {}))
    patch.setattr(libraries, "run_isolated", lambda function, tasks, **options: ((one, (None, {})) for one in tasks))
    patch.setattr(references, "rebuild_all", lambda *arguments, **options: iter(()))
    patch.setattr(_rebuild, "store_values", lambda case: None)
    patch.setattr(_reference, "certify", lambda *arguments: pytest.fail("a hostile input is certified"))
    patch.setattr("xcheck.report.coverage.page", lambda cases: "")
    patch.setattr("xcheck.report.references.table", lambda pairs: Table())
    patch.setattr(exchange, "_arrays", lambda case: {})
