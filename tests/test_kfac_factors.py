"""The Kronecker factors: one layer by hand, every implementation judged, and a guard that sees wrong rules."""

from __future__ import annotations

import numpy as np
import pytest

import xcheck
from xcheck import Case, Literal, Normal
from xcheck._errors import GuardFailed, NoReference
from xcheck._execute import execute
from xcheck._problem import problem
from xcheck.exact.certify import certify
from xcheck.exact.derivatives import Derivatives
from xcheck.program import Linear, Sequential, Tanh, mse
from xcheck.quantities import load_quantities
from xcheck.quantity import implementations

QUANTITY = load_quantities()["kfac_factors"]
X = Normal((3, 2), seed=2)
CASES = ("linear_gaussian_3_2", "tanh_mlp_classifier")


def case(net, x=X) -> Case:
    return Case(
        name="small", program=net, params=net.init(seed=1), inputs={"x": x}, targets=Normal((3, 2), seed=3),
        loss=mse("sum"), quantities=("kfac_factors",),
    )  # fmt: skip


def test_one_layer_by_hand():
    """`A = [[mean x^2, mean x], [mean x, 1]]`; the Hessian of the summed squared error is 2 for each of 3 examples."""
    found = certify(case(Linear(1, 2), Literal(((1.0,), (2.0,), (3.0,)))), [QUANTITY])["kfac_factors"]
    assert np.array_equal(found["B"].value, 6 * np.eye(2))
    assert np.array_equal(found["A"].value, np.array([[14 / 3, 2.0], [2.0, 1.0]]))


@pytest.mark.parametrize("implementation", implementations("kfac_factors").values(), ids=lambda one: one.name)
@pytest.mark.parametrize("name", CASES)
def test_every_implementation_agrees(name, implementation):
    if implementation.framework == "jax" and implementation.variant == "eager":
        pytest.skip("eager JAX compiles every operation for itself: `xcheck verify --tier full` runs it")
    made = problem(name, "kfac_factors", implementation.framework)
    made.check(execute(made, implementation).result)


def test_the_empirical_factor_is_judged_wrong():
    made = problem("tanh_mlp_classifier", "kfac_factors", "torch")
    factors = xcheck.layerwise.kfac(made.module, made.inputs[0], made.targets, loss=made.loss_module)
    verdict = made.judge({f"{layer}.{n}": M for layer, AB in factors.items() for n, M in zip("AB", AB, strict=True)})
    assert not verdict
    assert verdict.worst is not None
    assert verdict.worst.path.endswith("B")


@pytest.mark.parametrize("factor", ["A", "B"])
def test_a_wrong_rule_is_caught_by_the_guard(factor, monkeypatch):
    right = Derivatives.kfac_factors

    def wrong(exact):
        return {name: M * (1 + 2.0**-50) if name == f"2.{factor}" else M for name, M in right(exact).items()}

    monkeypatch.setattr(Derivatives, "kfac_factors", wrong)
    with pytest.raises(GuardFailed, match="kfac_factors contradicts its guard"):
        certify(case(Sequential(Linear(2, 3), Tanh(), Linear(3, 2))), [QUANTITY])


@pytest.mark.parametrize("net", [Linear(2, 2, bias=False), Sequential(Linear(2, 2, bias=False), Linear(2, 2))])
def test_a_layer_without_a_bias_has_no_reference(net):
    with pytest.raises(NoReference, match="with a bias"):
        certify(case(net), [QUANTITY])
