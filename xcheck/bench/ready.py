"""An implementation made ready: judged by its first result, then a body that the rounds can time."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from time import perf_counter
from typing import Any

from xcheck import _reference, libraries
from xcheck._judge import Verdict
from xcheck._lazy import installed, torch
from xcheck._problem import Problem, adapter, problem
from xcheck._registry import Registry
from xcheck.bench.networks import network
from xcheck.bench.rounds import Body
from xcheck.bench.sampled import Sample
from xcheck.bench.schema import Group
from xcheck.case import Case
from xcheck.diagnose import judge
from xcheck.libraries._torch import lend
from xcheck.quantities import load_quantities
from xcheck.quantity import Implementation, Quantity, implementations
from xcheck.run.classify import Stage, classify

#: Sets of inputs that the calls go through in turn, so that no cache answers for the work.
TURNS = 3


@cache
def load_libraries() -> None:
    """Registers every adapter of another library; none of them is imported by it."""
    for module in pkgutil.iter_modules(libraries.__path__):
        if not module.name.startswith("_"):
            importlib.import_module(f"{libraries.__name__}.{module.name}")


def candidates(quantity: str, device: str) -> Registry[Implementation]:
    """Who computes a quantity, PyTorch's also under `torch.compile` and, on CUDA, as a CUDA graph."""
    load_libraries()
    found: Registry[Implementation] = Registry("implementation")
    for name, one in implementations(quantity).items():
        found.add(name, one)
        if one.framework == "torch" and one.variant == "eager":
            for variant in ("compile",) if device == "cpu" else ("compile", "cudagraph"):
                other = f"{name}_{variant}"
                if other not in implementations(quantity):
                    found.add(other, replace(one, name=other, variant=variant))
    return found


@contextmanager
def arithmetic(group: Group, frameworks: tuple[str, ...]) -> Iterator[None]:
    """The precision of a group in each framework, and no denormals: with them a matrix product is 190 times slower.

    Other libraries work on the model itself and on all examples at once, as everybody else.
    """
    with ExitStack() as stack:
        stack.enter_context(lend(whole=True))
        for framework in frameworks:
            stack.enter_context(adapter(framework).precision(group.dtype, group.device))
        if installed("torch"):
            torch.set_flush_denormal(True)
            stack.callback(torch.set_flush_denormal, False)
        yield


@dataclass
class Ready:
    """A prepared implementation: the seconds it took, its first result, and a call for each turn."""

    prepare: float
    first: float
    result: Any
    body: Body
    function: Callable[..., Any]
    arguments: tuple[Any, ...]


def make_ready(group: Group, implementation: Implementation) -> Ready:
    """Prepares an implementation for `TURNS` sets of inputs and calls it once; what it raises is passed on."""
    native = adapter(implementation.framework)
    base = problem(
        network(group.case), group.quantity, implementation.framework, dtype=group.dtype, device=group.device
    )
    turns = [rolled(base, k) for k in range(TURNS)]
    run = native.wrap(implementation.function, implementation.variant)
    start = perf_counter()
    arguments = [(turns[0], *_prepared(implementation, turns[0]))]
    prepare = perf_counter() - start
    start = perf_counter()
    result = native.synchronise(run(*arguments[0]))
    first = perf_counter() - start
    arguments += [(turn, *_prepared(implementation, turn)) for turn in turns[1:]]

    def launch(k: int) -> Any:
        return run(*arguments[k % TURNS])

    return Ready(prepare, first, result, Body(implementation.name, launch, native.synchronise), run, arguments[0])


def _prepared(implementation: Implementation, turn: Problem) -> tuple[Any, ...]:
    return () if implementation.prepare is None else (implementation.prepare(turn),)


def rolled(base: Problem, k: int) -> Problem:
    """The same problem with its examples moved on by k: other bytes, and sums over the batch keep their value."""
    if k == 0:
        return base
    inputs = tuple(base.xp.roll(values, k, axis=0) for values in base.inputs)
    targets = None if base.targets is None else base.xp.roll(base.targets, k, axis=0)
    return replace(base, inputs=inputs, targets=targets)


def verdict(actual: Any, group: Group, made: Implementation, scratch: Path) -> tuple[Verdict, str]:
    """What the judge says, and by what: the certified reference where one is stored, else sampled entries."""
    case, quantity, _ = find(group)
    data = "bfloat16" if group.dtype == "bfloat16" else "float64"
    try:
        if case.folder is not None and not _reference.missing(case, quantity, data):
            found = judge(
                actual, case, quantity, dtype=group.dtype, framework=made.framework, convention=made.convention,
                normwise=made.normwise,
            )  # fmt: skip
            return found, "certified reference"
        sample = Sample(case, quantity, group.dtype, scratch)
        return sample.judge(actual, group.dtype, made.convention, made.normwise), "sampled float64 reference"
    except Exception as error:
        failure = classify(error, Stage.JUDGING)
        return Verdict(failure.outcome, reason=failure.reason), "nothing"


def find(group: Group) -> tuple[Case, Quantity, Callable[[str], Implementation]]:
    """The case, the quantity and the implementations of a group."""
    return network(group.case), load_quantities()[group.quantity], candidates(group.quantity, group.device).__getitem__
