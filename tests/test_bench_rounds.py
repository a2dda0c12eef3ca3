"""Rounds and their statistics, on clocks that the test makes up."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from xcheck.bench import rounds
from xcheck.bench.rounds import Body, interleave, paired
from xcheck.bench.schema import Estimate
from xcheck.bench.statistics import crossing, differs, estimate, power_law


def body(name: str) -> Body:
    return Body(name, lambda k: None, lambda result: result)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, float], float, float], None]:
    """Makes `timed` answer from a table, with relative noise and a drift of all bodies alike."""

    def install(table: dict[str, float], noise: float, drift: float = 0.0) -> None:
        random = np.random.default_rng(0)

        def timed(one: Body, k: int, repeat: int) -> tuple[float, float, float]:
            seconds = table[one.name] * (1 + drift * k) * (1 + noise * random.standard_normal())
            return seconds, seconds, 0.0

        monkeypatch.setattr(rounds, "timed", timed)

    return install


def test_a_drift_of_the_clock_cancels_in_paired_ratios(clock: Callable[..., None]) -> None:
    clock({"a": 0.01, "b": 0.02}, 0.0, drift=0.05)
    samples, settled = interleave([body("a"), body("b")], "a", budget=60.0)
    assert settled
    ratio = estimate([paired(samples["b"], samples["a"])])
    assert (round(ratio.low, 9), round(ratio.high, 9)) == (2.0, 2.0)
    assert max(samples["a"].wall) > 1.9 * min(samples["a"].wall)


def test_noise_ends_with_the_rounds_and_says_so(clock: Callable[..., None]) -> None:
    clock({"a": 0.01, "b": 0.01}, 0.9)
    samples, settled = interleave([body("a"), body("b")], "a", budget=60.0, most=41)
    assert not settled
    assert len(samples["a"].wall) == 41


def test_a_slow_body_joins_fewer_rounds(clock: Callable[..., None]) -> None:
    clock({"a": 0.001, "slow": 1.0}, 0.01)
    samples, _ = interleave([body("a"), body("slow")], "a", budget=4.0, target=0.0, most=42)
    assert len(samples["a"].wall) == 42
    assert 1 < len(samples["slow"].wall) < 21
    assert len(paired(samples["slow"], samples["a"])) == len(samples["slow"].wall)


@pytest.mark.parametrize("first", [0, 5])
def test_a_body_that_raises_leaves_and_the_others_go_on(first: int) -> None:
    calls = []

    def launch(k: int) -> None:
        calls.append(k)
        if len(calls) > first:
            raise ValueError("hooked by another library")

    bodies = [body("a"), Body("raises", launch, lambda result: result), body("b")]
    samples, _ = interleave(bodies, "a", budget=60.0, most=41, block=1e-9)
    assert samples["raises"].raised == "ValueError: hooked by another library"
    assert len(calls) == first + 1
    assert [len(samples[name].wall) for name in "ab"] == [len(samples["a"].rounds)] * 2
    assert len(samples["a"].wall) >= rounds.LEAST_ROUNDS
    with pytest.raises(ValueError, match="hooked"):
        interleave(bodies, "raises", budget=60.0, block=1e-9)


def test_blocks_are_long_enough_for_the_clock(clock: Callable[..., None]) -> None:
    clock({"a": 1e-6}, 0.0)
    samples, _ = interleave([body("a")], "a", budget=60.0)
    assert samples["a"].repeat * 1e-6 >= rounds.BLOCK


def test_a_thousand_equal_pairs_raise_few_alarms_and_a_tenth_is_found() -> None:
    random = np.random.default_rng(1)

    def pair(factor: float) -> np.ndarray:
        return factor * np.exp(0.1 * random.standard_normal(31)) / np.exp(0.1 * random.standard_normal(31))

    assert sum(differs(pair(1.0)) for _ in range(1000)) <= 10
    assert sum(differs(pair(1.25)) for _ in range(50)) >= 45


def test_processes_that_disagree_widen_the_interval() -> None:
    alike = estimate([np.full(31, 1.0), np.full(31, 1.0)])
    apart = estimate([np.full(31, 1.0), np.full(31, 1.2), np.full(31, 0.9)])
    assert alike == Estimate(1.0, 1.0, 1.0)
    assert (apart.low, apart.median, apart.high) == (0.9, 1.0, 1.2)


def test_an_exponent_has_an_interval_that_noise_widens() -> None:
    x = 2.0 ** np.arange(8)
    exact = power_law(x, 5 * x**1.5).exponent
    noisy = power_law(x, 5 * x**1.5 * np.exp(0.2 * np.random.default_rng(0).standard_normal(8))).exponent
    assert round(exact.median, 9) == 1.5
    assert noisy.low < 1.5 < noisy.high
    assert noisy.high - noisy.low > exact.high - exact.low


def test_lines_that_never_meet_have_no_crossing() -> None:
    assert crossing(np.array([1.0, 2.0, 4.0]), np.array([0.5, 0.6, 0.9])) is None
