"""Certified references: independent of both frameworks, refused where nothing is proven, with an honest scale."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import numpy as np
import pytest

import xcheck
from xcheck import Case, Literal, Normal
from xcheck._errors import NoReference, Undecidable
from xcheck.exact.balls import Balls
from xcheck.exact.certify import certify, margin
from xcheck.exact.derivatives import Derivatives
from xcheck.program import Linear, Sequential, Tanh, mse
from xcheck.quantities import load_quantities

Q = load_quantities()
NET = Sequential(Linear(2, 3), Tanh(), Linear(3, 2))
CASE = Case(
    name="net",
    program=NET,
    params=NET.init(seed=1),
    inputs={"x": Normal((4, 2), seed=2)},
    targets=Normal((4, 2), seed=3),
    loss=mse(),
)
BARRED = """
import sys
sys.modules["torch"] = sys.modules["jax"] = sys.modules["jaxlib"] = None
import hashlib
import xcheck
from xcheck.exact.certify import certify
from xcheck.quantities import load_quantities
case, quantities = xcheck.load_cases()["linear_gaussian_3_2"], load_quantities()
for name in sys.argv[1:]:
    print(hashlib.sha256(certify(case, [quantities[name]])[name][""].value.tobytes()).hexdigest())
"""


def test_references_are_made_without_torch_and_jax() -> None:
    names = ["hessian_params", "ggn", "hvp"]
    barred = subprocess.run([sys.executable, "-c", BARRED, *names], capture_output=True, text=True, check=True)
    stored = [xcheck.reference("linear_gaussian_3_2", name).value for name in names]
    assert barred.stdout.split() == [hashlib.sha256(np.asarray(a).tobytes()).hexdigest() for a in stored]


def test_the_radius_is_under_1e_30_of_the_largest_entry() -> None:
    for name, tree in certify(CASE, Q.values()).items():
        for path, leaf in tree.items():
            assert leaf.radius.max() <= 1e-30 * np.abs(leaf.value).max(), f"{name} {path}"


def test_the_scale_is_the_noise_of_the_result() -> None:
    """y = a x with one product: its rounding scale is |y|, by 16 draws of a standard normal."""
    product = Case(
        name="product",
        program=lambda xp, params, inputs: params["a"] * inputs["x"],
        params={"a": Literal((3.0,))},
        inputs={"x": Normal((100, 1), seed=1)},
    )
    leaf = certify(product, [Q["value"]])["value"][""]
    ratios = leaf.scale / np.abs(leaf.value)
    assert ratios.min() > 0.4
    assert ratios.max() < 1.7
    assert 0.9 < np.sqrt((ratios**2).mean()) < 1.1


def test_cancellation_raises_the_scale() -> None:
    """(x + 2^20) - 2^20 rounds at 2^20, whatever x is."""
    cancels = Case(
        name="cancels",
        program=lambda xp, params, inputs: (inputs["x"] + 2.0**20) - 2.0**20,
        params={},
        inputs={"x": Normal((50, 1), seed=1)},
    )
    leaf = certify(cancels, [Q["value"]])["value"][""]
    assert 2.0**19 < np.sqrt((leaf.scale**2).mean()) < 2.0**21


def kinked(x: float) -> Case:
    return Case(
        name="kinked",
        program=lambda xp, params, inputs: xp.nn.relu(params["w"] * inputs["x"] - 1.0),
        params={"w": Literal((1.0,))},
        inputs={"x": Literal(((3.0,), (x,)))},
    )


def test_the_margin_is_the_distance_to_the_nearest_kink() -> None:
    assert margin(CASE) == np.inf
    near, far = margin(kinked(1.0 + 2.0**-20)), margin(kinked(1.5))
    assert 2.0**-22 < near < 2.0**-18
    assert 0.1 < far < 1


def test_on_a_kink_there_is_no_reference(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("XCHECK_CACHE", str(tmp_path))
    with pytest.raises(NoReference, match="kinked/jacobian_inputs has no certified reference: the case sits exactly"):
        xcheck.reference(kinked(1.0), "jacobian_inputs")
    assert list(tmp_path.iterdir()) == []


def test_numbers_that_are_lost_are_refused() -> None:
    """Each turn of the logistic map loses a bit: after 1500 none of 1280 is left."""

    def logistic(xp, params, inputs):
        x = inputs["x"]
        for _ in range(1500):
            x = 4.0 * x * (1.0 - x)
        return x

    lost = Case(name="lost", program=logistic, params={}, inputs={"x": Literal(((0.3,),))})
    with pytest.raises(Undecidable, match="1280 bits do not determine lost/value"):
        certify(lost, [Q["value"]])


def test_what_cancels_is_0_and_its_radius_covers_what_was_lost() -> None:
    """1e-300 beside 1e300: the rounding scale is 1e300, and what is below 2^-100 of it is no number of this program."""
    lost = Case(
        name="lost",
        program=lambda xp, params, inputs: (params["a"] * 1e300 + params["b"] * 1e-300) - params["a"] * 1e300,
        params={"a": Literal((1 / 3,), dtype="float64"), "b": Literal((1.0,))},
        inputs={"x": Literal(((1.0,),))},
    )
    leaf = certify(lost, [Q["value"]])["value"][""]
    assert (leaf.value[0], leaf.low[0]) == (0.0, 0.0)
    assert 1e-300 < leaf.radius[0] < 2.0**-100 * leaf.scale[0]


def test_bits_are_added_where_128_do_not_hold_a_hundred() -> None:
    cancels = Case(
        name="cancels",
        program=lambda xp, params, inputs: xp.exp(inputs["x"] + 2.0**-60) - xp.exp(inputs["x"]),
        params={},
        inputs={"x": Literal(((0.5,),))},
    )
    leaf = certify(cancels, [Q["value"]])["value"][""]
    assert leaf.value[0, 0] == np.exp(0.5) * 2.0**-60
    assert leaf.radius[0, 0] <= 2.0**-100 * leaf.value[0, 0]


def test_a_branch_is_decided_with_as_many_bits_as_it_needs() -> None:
    """relu of 1e-50, found as a difference of numbers of size 1."""
    near = Case(
        name="near",
        program=lambda xp, params, inputs: xp.nn.relu((inputs["x"] + 1e-50) - 0.5),
        params={},
        inputs={"x": Literal(((0.5,),))},
    )
    found = {name: certify(near, [Q[name]])[name][""] for name in ("value", "jacobian_inputs")}
    assert (found["value"].value.item(), found["jacobian_inputs"].value.item()) == (1e-50, 1.0)


def test_a_kernel_of_a_log_outside_its_domain_is_refused() -> None:
    bad = Case(
        name="bad",
        program=lambda xp, params, inputs: xp.log(inputs["x"]),
        params={},
        inputs={"x": Literal(((-1.0,),))},
    )
    with pytest.raises(Undecidable):
        certify(bad, [Q["value"]])


def test_bfloat16_has_references_of_its_own() -> None:
    value = Derivatives(CASE, Balls(), "bfloat16").values
    assert not np.array_equal(value.inputs["x"], CASE.values().inputs["x"])
