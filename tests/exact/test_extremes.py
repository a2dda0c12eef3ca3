"""Numbers far from 1, results that cancel, nets so deep that balls grow: the proof follows the scale of the point."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from xcheck import Case, Integers, Literal, Normal
from xcheck._errors import NoReference, Undecidable
from xcheck.exact.certify import certify
from xcheck.program import LayerNorm, Linear, Loss, Program, Sequential, Tanh, cross_entropy, mse
from xcheck.quantities import load_quantities

Q = load_quantities()
QUANTITIES = [name for name in Q if name != "jacobian_aux"]
#: Powers of two by which parameters, inputs and targets are scaled; the last has inputs of very different sizes.
SCALES = {
    "large": (100, 40, 140),
    "small": (-100, -40, -140),
    "large_inputs": (0, 60, 0),
    "small_inputs": (0, -200, 0),
    "mixed_inputs": (0, np.array([-90, 0, 5]), 0),
}


def scaled(values: np.ndarray, power: Any) -> Literal:
    return Literal(np.ldexp(values, power).tolist(), dtype="float64")


def case(program: Program, powers: tuple[Any, Any, Any], loss: Loss, targets: Any = None) -> Case:
    """A net of three inputs and two outputs, its numbers scaled by powers of two."""
    parameters, inputs, outputs = powers
    return Case(
        name="scaled",
        program=program,
        params={name: scaled(d.make(), parameters) for name, d in program.init(seed=1).items()},  # type: ignore[attr-defined]
        inputs={"x": scaled(Normal((2, 3), seed=2).make(), inputs)},
        targets=targets or scaled(Normal((2, 2), seed=3).make(), outputs),
        loss=loss,
    )


@pytest.mark.parametrize("powers", SCALES.values(), ids=SCALES)
@pytest.mark.parametrize(
    "net", [Sequential(Linear(3, 2)), Sequential(Linear(3, 2), Tanh(), Linear(2, 2))], ids=["linear", "tanh"]
)
def test_every_quantity_is_certified_at_every_scale(net: Program, powers: tuple[Any, Any, Any]) -> None:
    declared = case(net, powers, mse())
    for name in QUANTITIES:
        for leaf in certify(declared, [Q[name]])[name].values():
            size = max(np.max(np.abs(leaf.value)), np.max(leaf.scale))
            assert np.max(leaf.radius) <= 2.0**-90 * size or np.max(leaf.radius) <= 5e-324, name


def test_a_scaled_linear_net_has_scaled_derivatives() -> None:
    """Powers of two commute with rounding: the Hessian by the weights goes with the square of the inputs."""
    net = Sequential(Linear(3, 2))
    weights = np.s_[:6, :6]
    plain, large = (
        certify(case(net, (0, power, 0), mse()), [Q["hessian_params"]])["hessian_params"][""] for power in (0, 200)
    )
    assert np.array_equal(np.ldexp(plain.value[weights], 400), large.value[weights])


def test_confident_logits_are_certified() -> None:
    confident = case(Sequential(Linear(3, 2)), (8, 2, 0), cross_entropy(), Integers((2,), seed=3, low=0, high=2))
    for name in ("gradient", "hessian_params", "ggn", "hvp"):
        assert np.isfinite(certify(confident, [Q[name]])[name][""].value).all()


@pytest.mark.parametrize("quantity", ["value", "gradient", "jacobian_inputs", "hvp", "ggnvp", "third_derivative"])
def test_deep_nets_with_normalisation_are_certified(quantity: str) -> None:
    """Balls grow a few bits a layer, and a disc much faster: smaller discs and more bits follow."""
    layers = [layer for _ in range(24) for layer in (Linear(8, 8), LayerNorm(8), Tanh())]
    deep = case(Sequential(Linear(3, 8), *layers, Linear(8, 2)), (0, 0, 0), mse())
    leaf = certify(deep, [Q[quantity]])[quantity][""]
    assert 0 < np.max(leaf.radius) <= 2.0**-100 * np.max(np.abs(leaf.value))


def one(program: Callable[[Any, Any], Any], *x: float) -> Case:
    return Case(
        name="one",
        program=lambda xp, params, inputs: program(xp, inputs["x"]),
        params={},
        inputs={"x": Literal((x,), dtype="float64")},
    )


@pytest.mark.parametrize("quantity", ["value", "jacobian_inputs", "hessian_inputs"])
def test_what_float64_cannot_hold_is_refused_and_what_underflows_is_covered(quantity: str) -> None:
    with pytest.raises(NoReference, match=rf"one/{quantity} has an entry that does not fit float64: \[?1.97\d*e\+434"):
        certify(one(lambda xp, x: xp.exp(x), 1000.0), [Q[quantity]])
    leaf = certify(one(lambda xp, x: xp.exp(x), -1000.0), [Q[quantity]])[quantity][""]
    assert (leaf.value.item(), leaf.radius.item()) == (0.0, 5e-324)


def test_what_overflows_on_the_way_has_no_rounding_scale() -> None:
    """The square root of a square fits, the square does not: float64 says inf, and nothing can be judged by that."""
    with pytest.raises(Undecidable, match="float64 overflows on the way"):
        certify(one(lambda xp, x: xp.sqrt(x * x), 1e200), [Q["value"]])


def test_what_vanishes_by_cancellation_is_0_and_not_noise() -> None:
    for program in (
        lambda xp, x: xp.sum(xp.nn.softmax(x), axis=-1, keepdims=True),
        lambda xp, x: xp.sum(x - xp.mean(x, axis=-1, keepdims=True), axis=-1, keepdims=True) / 3.0,
    ):
        leaf = certify(one(program, 0.5, 0.25, -1.0), [Q["jacobian_inputs"]])["jacobian_inputs"][""]
        assert not leaf.value.any()
        assert not leaf.low.any()
        assert (leaf.scale > 0).all()
        assert (leaf.radius <= 2.0**-100 * leaf.scale.max()).all()
