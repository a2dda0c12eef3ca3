"""Made-up benchmarks for the tests of reports: no clock takes part."""

from __future__ import annotations

from typing import Any

from xcheck.bench.schema import Bench, Cell, Estimate, Group, Measured, Roof
from xcheck.result import Outcome

ROOF = Roof(flops_per_second=1e11, bytes_per_second=1e10, least_flops=1e5, least_bytes=1e3, floor=1e-6)


def cell(name: str, seconds: float, outcome: Outcome = Outcome.AGREES, **more: Any) -> Cell:
    """A timed cell with an interval of 2 %."""
    framework, _, rest = name.partition("_")
    time = Estimate(seconds, 0.99 * seconds, 1.01 * seconds)
    given = {"ratio": time, "rounds": 31, "peak": 1000, "first": 1.0, "fraction": 1e-6 / seconds} | more
    return Cell(
        implementation=name, framework=framework, variant="jit" if rest.endswith("jit") else "eager", outcome=outcome,
        seconds=time, **given,
    )  # fmt: skip


def measured(*cells: Cell, case: str = "tanh_mlp", table: str = "networks", n: int = 1000, **more: Any) -> Measured:
    group = Group(case=case, quantity="ggn_diagonal")
    sizes = {"n": n, "c": 1, "d": 1, "p": 141}
    return Measured(
        group=group, table=table, sizes=sizes, baseline=cells[0].implementation, cells=list(cells), roof=ROOF, **more
    )


def bench(*groups: Measured) -> Bench:
    return Bench(
        machine={"processor": "a processor", "cores": 2}, versions={"torch": "2", "jax": "0"},
        settings={"tables": ["networks"], "budget": 20.0, "processes": 1}, groups=list(groups),
    )  # fmt: skip
