"""One program: its certified references, who computes what, the second channel's word and the judge's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from right.confirm import SecondChannel
from right.programs import QUANTITIES, Program
from xcheck import _execute, _problem
from xcheck._errors import Undecidable
from xcheck._lazy import jax
from xcheck._problem import Problem
from xcheck._receive import receive
from xcheck._reference import Leaf, Reference, floored
from xcheck.diagnose import judge
from xcheck.exact.certify import Certified, certify, margin
from xcheck.quantities import load_quantities
from xcheck.quantity import FRAMEWORKS, Implementation, implementations
from xcheck.result import number

#: JAX computes one quantity in so many of each program, since it compiles for 0.4 s and PyTorch runs in 15 ms.
JAX_SHARE = 4
#: What a planted fault does to a native result before the judge sees it.
Change = Callable[[Any], Any]


class Record(msgspec.Struct, array_like=True):
    """One result: who computed what, whether the second channel confirms its formula and it, and the judge's word."""

    seed: int
    quantity: str
    implementation: str
    dtype: str
    formula: bool
    confirmed: bool
    outcome: str
    ratio: float | str | None = None
    ratio_F: float | str | None = None
    failed_lines: list[str] = []


@dataclass(frozen=True)
class Seeded:
    """A program at the numbers of one seed: what the judge and the second channel know of it."""

    seed: int
    channel: SecondChannel
    certified: Mapping[str, Mapping[str, Certified]]
    margin: float
    grown: float = 1.0

    def reference(self, quantity: str, dtype: str) -> Reference:
        leaves = {
            path: Leaf(c.value, c.low, c.radius, floored(self.grown * c.scale, c.value, dtype))
            for path, c in self.certified[quantity].items()
        }
        return Reference(self.channel.case.name, quantity, dtype, leaves, self.margin)


def study(
    program: Program,
    seeds: Iterable[int],
    change: Change = lambda found: found,
    frameworks: Iterable[str] = FRAMEWORKS,
    grown: float = 1.0,
) -> Iterator[Record]:
    """The results of a program at some seeds.

    `change` may plant a fault between an implementation and the judge, `grown` one in the rounding scale.
    """
    compiled: dict[tuple[str, str], Callable[..., Any]] = {}
    for seed in seeds:
        case = program.case(seed)
        try:
            certified = certify(case, [load_quantities()[name] for name in QUANTITIES])
            known = Seeded(seed, SecondChannel(case), certified, margin(case), grown)
        except Undecidable:  # the numbers of this seed sit on a kink
            continue
        for framework in frameworks:
            native = {d: _problem.problem(case, "value", framework, dtype=d) for d in program.dtypes}
            for k, name in enumerate(QUANTITIES):
                if framework == "jax" and (program.number + k) % JAX_SHARE:
                    continue
                asked = {d: replace(problem, quantity=load_quantities()[name]) for d, problem in native.items()}
                turn = program.number if framework == "jax" else program.number + seed
                yield from results(known, asked, choice(asked["float64"], name, turn), compiled, change)


def choice(problem: Problem, quantity: str, turn: int) -> Implementation:
    """One of ours that apply, in turn, whatever else is registered by now.

    torch.compile is left out for its minutes, and JAX is jitted in any case.
    """
    found = {
        one.function: one
        for one in implementations(quantity).values()
        if one.module.startswith("xcheck.quantities.")
        and one.variant != "compile"
        and one.prepare is None
        and _execute.unmet(problem, one) is None
    }
    return list(found.values())[turn % len(found)]


def results(
    known: Seeded, asked: Mapping[str, Problem], chosen: Implementation, compiled: dict[Any, Any], change: Change
) -> Iterator[Record]:
    """What one implementation computes in each dtype, float64 first: it confirms the formula for the others."""
    quantity, double, formula = load_quantities()[chosen.quantity], {}, False
    for dtype, problem in asked.items():
        reference = known.reference(quantity.name, dtype)
        try:
            found = computed(problem, chosen, compiled)
        except Exception as error:
            yield Record(known.seed, quantity.name, chosen.name, dtype, False, False, f"raised {type(error).__name__}")
            continue
        actual = receive(found, list(reference.leaves), dtype)
        bounds = known.channel.bounds(quantity, dtype)
        if dtype == "float64":
            double = actual
            formula = known.channel.formula(quantity, double, bounds)
        confirmed = formula and known.channel.rounding(actual, double, bounds)
        with problem.precision():
            given = change(found)
        case = known.channel.case
        verdict = judge(given, case, quantity, dtype=dtype, reference=reference, related=nothing)
        yield Record(
            known.seed, quantity.name, chosen.name, dtype, formula, confirmed, str(verdict.outcome),
            ratio=None if verdict.ratio is None else number(verdict.ratio),
            ratio_F=None if verdict.ratio_F is None else number(verdict.ratio_F),
            failed_lines=[name for name, said in verdict.checks.items() if not said.startswith(("ok", "warn", "note"))],
        )  # fmt: skip


def nothing(quantity: str) -> None:
    """The diagnosis gets no other reference: what matters here is the outcome."""


def computed(problem: Problem, chosen: Implementation, compiled: dict[Any, Any]) -> Any:
    """What the implementation returns; JAX compiles once for all seeds of a program, whose arrays are arguments."""
    with problem.precision():
        if problem.framework == "torch":
            return chosen.function(problem)
        key = (chosen.quantity, problem.dtype)
        if key not in compiled:

            def run(*arrays: Any) -> Any:
                return chosen.function(replace(problem, **dict(zip(_problem.DYNAMIC, arrays, strict=True))))

            compiled[key] = jax.jit(run)
        return jax.block_until_ready(compiled[key](*(getattr(problem, field) for field in _problem.DYNAMIC)))
