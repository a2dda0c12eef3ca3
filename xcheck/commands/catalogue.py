"""`xcheck list` and `show`: what there is."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from xcheck.commands.options import Adapter, Cases


class What(StrEnum):
    """What `xcheck list` lists."""

    CASES = "cases"
    QUANTITIES = "quantities"
    IMPLEMENTATIONS = "implementations"
    COVERAGE = "coverage"


def list_(what: What, adapter: Adapter = None, cases: Cases = None) -> int:
    """List cases, quantities or implementations, or write the page that shows what computes what."""
    from xcheck._load import load_cases
    from xcheck.quantities import load_quantities
    from xcheck.report import listing
    from xcheck.report.coverage import page
    from xcheck.report.terminal import console, tell
    from xcheck.run.adapters import import_adapter, load_entry_points

    loaded = load_cases(cases)
    quantities = load_quantities()
    if adapter is not None:
        import_adapter(adapter)
    if what is What.COVERAGE:
        load_entry_points()
        tell(page(loaded).removesuffix("\n"))
        return 0
    tables = {
        What.CASES: lambda: listing.cases(loaded.values()),
        What.QUANTITIES: lambda: listing.quantities(quantities.values()),
        What.IMPLEMENTATIONS: lambda: listing.implementations(quantities, adapter),
    }
    console().print(tables[what]())
    return 0


def show(case: Annotated[str, typer.Argument(metavar="CASE", help="the name of a case")], cases: Cases = None) -> int:
    """Show one case: its program, parameters, inputs, loss, and who computes what of it."""
    from xcheck._errors import UnknownName
    from xcheck._load import load_cases
    from xcheck._registry import unknown
    from xcheck.quantities import load_quantities
    from xcheck.report import listing
    from xcheck.report.terminal import tell

    load_quantities()
    loaded = load_cases(cases)
    if case not in loaded:
        raise UnknownName(unknown("case", case, loaded))
    tell(listing.show(loaded[case]))
    return 0
