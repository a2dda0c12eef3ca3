"""Monte-Carlo arithmetic: the noise of each operation has the size that is stated."""

from __future__ import annotations

import numpy as np

from xcheck.exact.monte_carlo import NOISE, MonteCarlo

N = 4000


def spread(values: np.ndarray, truth: float) -> float:
    """Root mean square deviation in units of the noise."""
    return float(np.sqrt(np.mean((values - truth) ** 2)) / NOISE)


def test_one_operation_has_the_noise_of_its_result() -> None:
    alg = MonteCarlo(seed=1)
    a, b = np.full(N, 3.0), np.full(N, 5.0)
    for result, truth in ((alg.mul(a, b), 15), (alg.add(a, b), 8), (alg.sub(a, b), -2), (alg.call("sqrt", a), 3**0.5)):
        assert 0.95 < spread(result, truth) / abs(truth) < 1.05


def test_moving_entries_and_signs_are_exact() -> None:
    alg = MonteCarlo(seed=1)
    a = np.arange(6.0)
    assert np.array_equal(alg.neg(a), -a)
    assert np.array_equal(alg.reshape(a, (2, 3)), a.reshape(2, 3))
    assert np.array_equal(alg.constant(a), a)


def test_a_literal_is_noisy_where_bfloat16_cannot_hold_it() -> None:
    alg = MonteCarlo(seed=1)
    assert alg.literal(0.5) == 0.5
    assert {float(alg.literal(0.1)) for _ in range(3)} != {0.1}


def test_a_sum_has_the_noise_of_its_partial_sums() -> None:
    """K ones: `sqrt(K + K (K^2 / 3 + K / 2))`, as random rounding of a sequential sum."""
    K = 10
    alg = MonteCarlo(seed=1)
    expected = np.sqrt(K + K * (K**2 / 3 + K / 2))
    assert 0.95 < spread(alg.sum(np.ones((N, K)), (1,)), K) / expected < 1.05
    product = alg.matmul(np.ones((N, 1, K)), np.ones((N, K, 1)))
    assert 0.95 < spread(product, K) / expected < 1.05
    assert np.array_equal(alg.sum(np.ones((N, 1)), (1,)), np.ones(N))


def test_without_noise_it_is_plain_float64_and_runs_repeat() -> None:
    a = np.linspace(0, 1, 5)
    assert np.array_equal(MonteCarlo(noise=0.0).mul(a, a), a * a)
    assert np.array_equal(MonteCarlo(seed=3).mul(a, a), MonteCarlo(seed=3).mul(a, a))
    assert not np.array_equal(MonteCarlo(seed=3).mul(a, a), MonteCarlo(seed=4).mul(a, a))
