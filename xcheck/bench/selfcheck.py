"""selfcheck: equal code is found equal, slower code slower, and a result that nobody waited for is caught.

Every check is one that a broken harness fails: the three faults that benchmarks are known for are planted here.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np

from xcheck._lazy import installed, jax
from xcheck.bench.ask import ask
from xcheck.bench.messages import Answer, Finding, Request
from xcheck.bench.roof import GEMM, roof, roof_bodies, too_fast
from xcheck.bench.rounds import Body, Samples, interleave, paired, timed
from xcheck.bench.schema import Group
from xcheck.bench.statistics import differs

PAIRS = 1000
#: Of a thousand equal pairs at most so many may be called unlike.
FALSE_ALARMS = 0.01
SLOWER = 1.10


def selfcheck(pairs: int = PAIRS, budget: float = 20.0, threads: int = 1) -> list[Finding]:
    """All findings, in a fresh process whose threads are bound as those of a measurement are."""
    group = Group(case="selfcheck", quantity="value", threads=threads)
    with tempfile.TemporaryDirectory(prefix="xcheck-") as scratch:
        request = Request(task="selfcheck", group=group, pairs=pairs, budget=budget, scratch=scratch)
        return ask(request, pairs + 10 * budget + 60).findings


def findings(request: Request) -> Answer:
    """What the fresh process does."""
    made = [equal_pairs(request.pairs), slow_down(request.budget)]
    return Answer(findings=[*made, *(missing_synchronisation(name, launch) for name, launch in _unwaited())])


def _work() -> Callable[[int], Any]:
    a, out = np.ones((96, 96)), np.empty((96, 96))
    return lambda k: np.matmul(a, a, out=out)


def _wait(result: Any) -> Any:
    return result


def equal_pairs(pairs: int, rounds: int = 31) -> Finding:
    """A/A: the same code under two names, through the same rounds as any measurement."""
    # One work for both: the same product on other memory is not the same work.
    work = _work()
    both, alarms = [Body("a", work, _wait), Body("b", work, _wait)], 0
    for seed in range(pairs):
        samples, _ = interleave(both, "a", budget=60.0, target=0.0, seed=seed, block=2e-4, most=rounds)
        alarms += differs(paired(samples["b"], samples["a"]))
    share = alarms / pairs
    text = f"{alarms} of {pairs} equal pairs called unlike ({share:.2%}; at most {FALSE_ALARMS:.0%} are allowed)"
    return Finding("equal pairs", share <= FALSE_ALARMS, text)


def slow_down(budget: float) -> Finding:
    """The same product again and again, one side a tenth more often."""
    work = _work()

    def times(count: int) -> Callable[[int], Any]:
        return lambda k: [work(k) for _ in range(count)]

    plain, slower = Body("plain", times(20), _wait), Body("slower", times(round(20 * SLOWER)), _wait)
    samples, _ = interleave([plain, slower], "plain", budget=budget, target=0.02)
    ratios = paired(samples["slower"], samples["plain"])
    found = differs(ratios) and bool(np.median(ratios) > 1)
    return Finding("slow-down of 10 %", found, f"measured as {np.median(ratios):.3f} in {ratios.size} rounds")


def missing_synchronisation(name: str, launch: Callable[[int], Any]) -> Finding:
    """A product of known cost that is launched and not waited for: below the floor of the machine."""
    gemm, fill = roof_bodies("float64", "cpu", 8.0)
    unwaited = Samples(1)
    roofs = {"gemm": Samples(1), "fill": Samples(1)}
    for k in range(9):
        unwaited.wall.append(timed(Body(name, launch, _wait), k, 1)[0])
        roofs["gemm"].wall.append(timed(gemm, k, 1)[0])
        roofs["fill"].wall.append(timed(fill, k, 1)[0])
    limit = roof(roofs["gemm"], roofs["fill"], "float64", "cpu", 2.0 * (2 * GEMM) ** 3, 8.0)
    said = too_fast(float(np.median(unwaited.wall)), limit)
    return Finding(f"missing synchronisation ({name})", said is not None, said or "not caught")


def _unwaited() -> Iterator[tuple[str, Callable[[int], Any]]]:
    size = 2 * GEMM
    a = np.ones((size, size))
    with ThreadPoolExecutor(1) as pool:

        def future(k: int) -> Future[np.ndarray]:
            return pool.submit(np.matmul, a, a)

        yield "a future", future
    if installed("jax"):
        with jax.enable_x64(True):
            b = jax.numpy.ones((size, size))
            product = jax.jit(jax.numpy.matmul)
            jax.block_until_ready(product(b, b))
            yield "JAX, asynchronous", lambda k: product(b, b)
