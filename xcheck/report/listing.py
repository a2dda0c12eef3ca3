"""What there is: cases, quantities, implementations."""

from __future__ import annotations

from collections.abc import Iterable

from rich.table import Table

from xcheck.case import Case
from xcheck.quantity import Quantity
from xcheck.quantity import implementations as declared
from xcheck.run.plan import for_case, of_module


def cases(found: Iterable[Case]) -> Table:
    table = _table("case", "tier", "n", "p", "quantities", "what it is")
    for case in found:
        table.add_row(case.name, case.tier, str(case.n), str(case.p), str(len(case.quantities)), case.doc)
    return table


def quantities(found: Iterable[Quantity]) -> Table:
    table = _table("quantity", "shape", "order", "implementations", "formula")
    for quantity in found:
        number = str(len(declared(quantity.name)))
        table.add_row(quantity.name, f"({quantity.shape})", str(quantity.order), number, quantity.formula)
    return table


def implementations(names: Iterable[str], adapter: str | None = None) -> Table:
    """By quantity; those of one module where `adapter` is given."""
    table = _table("quantity", "implementation", "framework", "variant", "cases", "module")
    for quantity in names:
        for one in declared(quantity).values():
            if of_module(one, adapter):
                table.add_row(quantity, one.name, one.framework, one.variant, one.cases, one.module)
    return table


def show(case: Case) -> str:
    """One case in full, and who computes what of it."""
    arguments = ", ".join(case.arguments)
    lines = [
        f"{case.name}: {case.doc}",
        f"  program     {getattr(case.program, '__name__', None) or case.program!r}",
        *(f"  parameter   {name} = {descriptor!r}" for name, descriptor in case.params.items()),
        *(f"  input       {name} = {descriptor!r}" for name, descriptor in case.inputs.items()),
        f"  target      {case.targets!r}",
        f"  loss        {case.loss!r}",
        f"  sizes       n = {case.n} examples, p = {case.p} parameters; derivatives by inputs: {arguments}",
        f"  float32     {'holds its numbers' if case.holds_in_float32 else 'cannot hold its numbers: float64 only'}",
        f"  tier        {case.tier}, since {case.since}",
    ]
    for quantity in case.quantities:
        names = [one.name for one in declared(quantity).values() if for_case(one, case.name)]
        lines.append(f"  {quantity:<18} {', '.join(names) or 'no implementation'}")
    return "\n".join(lines)


def _table(*titles: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in titles:
        right, name = title in ("n", "p", "order"), title in ("case", "quantity", "implementation")
        table.add_column(title, justify="right" if right else "left", overflow="fold", no_wrap=name)
    return table
