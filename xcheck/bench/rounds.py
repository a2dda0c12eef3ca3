"""Interleaved rounds: every body once a round, in random order, so that drift of the machine strikes all alike.

A ratio of medians of two separate runs is worth little: the same code, run one after the other, differs by 20 %. The
median of ratios paired within a round is good to a few per cent.
"""

from __future__ import annotations

import gc
import resource
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import ceil
from time import perf_counter, process_time
from typing import Any

import numpy as np

from xcheck.bench.statistics import estimate
from xcheck.run.classify import exception_line

#: Seconds of one timed block: shorter ones measure the clock and the scheduler.
BLOCK = 0.004
LEAST_ROUNDS, MOST_ROUNDS = 21, 301
#: Rounds that even a spent budget gives.
FEWEST = 5
#: Half of the ratio's 95 % interval, as a share of the ratio, at which the rounds may end.
TARGET = 0.05


@dataclass(frozen=True)
class Body:
    """What is timed: `launch(k)` for the k-th set of inputs, then `synchronise(result)` inside the timed region."""

    name: str
    launch: Callable[[int], Any]
    synchronise: Callable[[Any], Any]


@dataclass
class Samples:
    """One body's blocks: the round, and per call the wall seconds, CPU seconds and minor page faults.

    `raised` is what it said when it left, if it did: some fail only beside others, whose libraries changed something.
    """

    repeat: int
    rounds: list[int] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    faults: list[float] = field(default_factory=list)
    raised: str = ""


def timed(body: Body, k: int, repeat: int) -> tuple[float, float, float]:
    """Wall seconds, CPU seconds and minor faults of one call, from a block of `repeat` calls."""
    faults, cpu, wall = resource.getrusage(resource.RUSAGE_SELF).ru_minflt, process_time(), perf_counter()
    for i in range(repeat):
        body.synchronise(body.launch(k + i))
    wall, cpu = perf_counter() - wall, process_time() - cpu
    return wall / repeat, cpu / repeat, (resource.getrusage(resource.RUSAGE_SELF).ru_minflt - faults) / repeat


def interleave(
    bodies: Sequence[Body],
    baseline: str,
    *,
    budget: float,
    target: float = TARGET,
    seed: int = 0,
    block: float = BLOCK,
    most: int = MOST_ROUNDS,
) -> tuple[dict[str, Samples], bool]:
    """The samples of each body, and whether all ratios to the baseline settled within `target` before the budget.

    A body whose blocks would eat more than its share of the budget joins fewer rounds; one that raises leaves, and only
    the baseline takes all with it.
    """
    random = np.random.default_rng(seed)
    samples, stride = {body.name: Samples(repeat=1) for body in bodies}, {}
    for body in bodies:
        with _leaving(samples[body.name], needed=body.name == baseline):
            once = _least(body, block)
        if samples[body.name].raised:
            continue
        samples[body.name].repeat = max(1, ceil(block / once))
        share = budget / len(bodies) / LEAST_ROUNDS
        stride[body.name] = 1 if body.name == baseline else max(1, ceil(max(once, block) / share))
    settled, k = False, 0
    # A collection inside a block would be charged to whoever was running.
    gc.collect()
    gc.disable()
    began = perf_counter()
    try:
        while k < most and not settled and (k < FEWEST or perf_counter() - began < budget):
            for i in random.permutation(len(bodies)):
                body, kept = bodies[i], samples[bodies[i].name]
                if kept.raised or k % stride[body.name]:
                    continue
                with _leaving(kept, needed=body.name == baseline):
                    wall, cpu, faults = timed(body, k, kept.repeat)
                    kept.rounds.append(k)
                    kept.wall.append(wall)
                    kept.cpu.append(cpu)
                    kept.faults.append(faults)
            k += 1
            settled = k >= LEAST_ROUNDS and k % 10 == 1 and _settled(samples, baseline, target)
    finally:
        gc.enable()
    return samples, settled


@contextmanager
def _leaving(kept: Samples, *, needed: bool) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # an implementation may raise anything
        if needed:
            raise
        kept.raised = exception_line(error)


def _least(body: Body, block: float) -> float:
    """Seconds of one warm call; short ones are tried again, since a neighbour's time slice would shorten the blocks.

    Blocks must be alike in length: a longer one is interrupted more often.
    """
    timed(body, 0, 1)
    once = timed(body, 1, 1)[0]
    for k in range(2, 7):
        if once < block:
            once = min(once, timed(body, k, 1)[0])
    return once


def paired(samples: Samples, baseline: Samples) -> np.ndarray:
    """The ratios of the rounds that both took part in."""
    theirs = dict(zip(baseline.rounds, baseline.wall, strict=True))
    return np.array([wall / theirs[k] for k, wall in zip(samples.rounds, samples.wall, strict=True) if k in theirs])


def _settled(samples: dict[str, Samples], baseline: str, target: float) -> bool:
    return all(
        estimate([paired(one, samples[baseline])]).half_width <= target
        for name, one in samples.items()
        if name != baseline and not one.raised
    )
