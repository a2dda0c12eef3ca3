"""Monte-Carlo arithmetic: the noise of each operation has the size that is stated."""

from __future__ import annotations

import numpy as np
import pytest

from xcheck import Case, Literal
from xcheck.exact.balls import Balls, ComplexBalls
from xcheck.exact.certify import certify, margin
from xcheck.exact.jets import Jets
from xcheck.exact.monte_carlo import NOISE, MonteCarlo
from xcheck.exact.tape import Tape
from xcheck.quantities import load_quantities
from xcheck.quantity import QUANTITIES

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


NEAR = 2.0**-40
BESIDE_A_KINK = {
    "relu": lambda xp, z: xp.nn.relu(z),
    "abs": lambda xp, z: xp.abs(z),
    "where": lambda xp, z: xp.where(z > 0.0, 3.0 * z, -5.0 * z),
    "max": lambda xp, z: xp.max(xp.stack([z, 2.0 * z, 0.0 * z], axis=-1), axis=-1),
    "nested": lambda xp, z: xp.nn.relu(xp.abs(z) - 2.0**-42),
    "clip": lambda xp, z: xp.clip(1.0 + z, min=1.0),
}


@pytest.mark.parametrize("name", BESIDE_A_KINK)
def test_beside_a_kink_the_scale_is_that_of_the_branch_that_is_taken(name: str) -> None:
    """z = (x + 1) - 1 is 2^-40 with a rounding error of one: noise of 2^-30 would take either side."""
    function = BESIDE_A_KINK[name]
    case = Case(
        name="beside_a_kink",
        program=lambda xp, params, inputs: function(xp, (inputs["x"] + 1.0) - 1.0),
        params={},
        inputs={"x": Literal(((NEAR,), (-NEAR,), (3 * NEAR,)))},
    )
    load_quantities()
    wanted = [QUANTITIES[quantity] for quantity in ("jacobian_inputs", "value")]
    found = certify(case, wanted)["jacobian_inputs"][""]
    assert np.max(found.scale) < 20 * np.max(np.abs(found.value))
    assert margin(case) < 100 * NEAR, "the branch margin still says how near the other side is"


def test_a_run_repeats_the_decisions_of_another_and_no_others() -> None:
    alg = MonteCarlo(noise=0.0)
    assert alg.sign(np.array([1.0, -2.0, 0.0])).tolist() == [1, -1, 0]
    assert alg.floats(np.array([7.0])).tolist() == [7.0]
    again = MonteCarlo(seed=1, decisions=alg.decisions)
    assert again.sign(np.array([-1.0, -2.0, 3.0])).tolist() == [1, -1, 0]
    assert again.floats(np.array([8.0])).tolist() == [7.0]
    assert again.compared[0].tolist() == [-1.0, -2.0, 3.0]
    with pytest.raises(AssertionError, match="decide different things"):
        MonteCarlo(seed=1, decisions=alg.decisions).sign(np.array([1.0]))


def test_the_scale_neither_overflows_nor_vanishes_far_from_one() -> None:
    """A difference that rounds to 0 has the scale of its terms, 1e-170 or 1e170."""
    for size in (2.0**-565, 2.0**565):
        case = Case(
            name="far_from_one",
            program=lambda xp, params, inputs: xp.sum(inputs["x"], axis=1, keepdims=True),
            params={},
            inputs={"x": Literal(((size, -size), (size, size)), dtype="float64")},
        )
        load_quantities()
        found = certify(case, [QUANTITIES["value"]])["value"][""]
        assert found.value.tolist() == [[0.0], [2 * size]]
        assert np.all((found.scale > 0.1 * size) & (found.scale < 10 * size))


def test_normwise_noise_is_of_the_norm_in_every_entry_zeros_too() -> None:
    alg = MonteCarlo(seed=1)
    a = np.zeros((N, 4))
    a[:, 0] = 3.0  # its root mean square is 1.5
    noisy = alg.normwise(a, (1,), 2.0)
    for k, truth in enumerate(a[0]):
        assert 2.8 < spread(noisy[:, k], truth) < 3.2
    assert np.array_equal(MonteCarlo(noise=0.0).normwise(a, (1,), 2.0), a)


def test_normwise_noise_is_in_tangents_and_cotangents_and_nothing_in_exact_arithmetic() -> None:
    """It is the identity to every algebra, of which only the rounding differs."""
    for alg in (Balls(), ComplexBalls()):
        a = alg.constant(np.array([[1.0, 0.0]]))
        assert alg.normwise(a, (1,), 1.0) is a
    floats = MonteCarlo(seed=1)
    jets, tape = Jets(floats), Tape(floats)
    value, tangent = np.tile([2.0, 0.0], (N, 1)), np.tile([0.0, 5.0], (1, N, 1))
    slope = jets.normwise(jets.lift(value, tangent), (1,), 1.0).coefficients[1]
    assert slope.shape == (1, N, 2)
    assert 0.9 < spread(slope[0, :, 0], 0.0) / (5 / 2**0.5) < 1.1
    x = tape.variable(value)
    (pulled,) = tape.pullback(tape.normwise(x, (1,), 1.0), tangent[0], [x])
    assert 0.9 < spread(pulled[:, 0], 0.0) / (5 / 2**0.5) < 1.1


@pytest.mark.parametrize(("a", "b"), [(1e-200, 1e-200), (1e200, 1e-200), (0.0, 1.0), (5e-324, 1.0)])
def test_products_far_from_one_have_finite_noise(a: float, b: float) -> None:
    product = MonteCarlo(seed=1).matmul(np.full((N, 1, 2), a), np.full((N, 2, 1), b))
    assert np.all(np.isfinite(product))
    assert np.max(np.abs(product - 2 * a * b)) <= 30 * NOISE * a * b


def test_a_large_entry_that_meets_a_small_one_does_not_overflow() -> None:
    a, b = np.array([[1e200, 1e-200]]), np.array([[1e-200], [1e200]])
    product = MonteCarlo(seed=1).matmul(a, b)
    assert abs(product[0, 0] - 2) < 1000 * NOISE
