"""The judge's word on layerwise: every case that is a module, every quantity that the engine computes."""

import importlib
from typing import Any

import pytest
from stored import stored

import xcheck
from xcheck import layerwise
from xcheck.program import Linear, Sequential, Sigmoid, Tanh, cross_entropy, gaussian_nll, mse
from xcheck.quantity import implementations

importlib.import_module("xcheck.libraries.layerwise")

QUANTITIES = (
    "gradient", "per_example_gradients", "jacobian_params", "jacobian_inputs", "jvp", "vjp", "ggn", "ggn_diagonal",
    "ggn_blocks", "ggnvp", "hessian_params", "hessian_diagonal", "hessian_blocks", "hessian_trace", "hvp",
    "empirical_fisher", "empirical_fisher_diagonal", "ggn_diagonal_backprop", "kfac_factors",
)  # fmt: skip
CASES = xcheck.load_cases()
CELLS = [
    (name, quantity)
    for name, case in CASES.items()
    if name != "batch_norm_train"
    if not callable(getattr(case.program, "__code__", None)) and hasattr(case.program, "torch")
    for quantity in QUANTITIES
    if quantity in case.quantities
    if stored(name, quantity)
]


# A layer without a rule of its own goes through autograd and says so; its results are judged all the same.
@pytest.mark.filterwarnings("ignore::xcheck.layerwise.AutogradLayer")
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("case", "quantity"), CELLS)
def test_agrees_with_the_certified_reference(case: str, quantity: str, dtype: str) -> None:
    problem = xcheck.problem(case, quantity, "torch", dtype=dtype)
    if dtype == "float32" and case.endswith("float64"):
        pytest.skip("the case has data that float32 cannot hold")
    problem.check(implementations(quantity)["torch_layerwise"].function(problem))


def activations_in_a_row(loss: str) -> xcheck.Case:
    """Two in a row in the middle, three at the end."""
    net = Sequential(Linear(3, 3), Tanh(), Sigmoid(), Linear(3, 2), Tanh(), Sigmoid(), Tanh())
    labels = loss == "cross_entropy"
    return xcheck.Case(
        name=f"activations_in_a_row_{loss}",
        program=net,
        params=net.init(seed=1),
        inputs={"x": xcheck.Normal((4, 3), seed=2)},
        targets=xcheck.Integers((4,), 3, 0, 2) if labels else xcheck.Normal((4, 2), seed=3),
        loss={"mse": mse(), "cross_entropy": cross_entropy(), "gaussian_nll": gaussian_nll(0.25)}[loss],
        tangents={"params": xcheck.Normal((20,), seed=4), "output": xcheck.Normal((4, 2), seed=5)},
        quantities=QUANTITIES,
    )


@pytest.mark.parametrize("loss", ["mse", "cross_entropy", "gaussian_nll"])
@pytest.mark.parametrize("quantity", QUANTITIES)
def test_agrees_with_activations_in_a_row(quantity: str, loss: str) -> None:
    problem = xcheck.problem(activations_in_a_row(loss), quantity, "torch")
    problem.check(implementations(quantity)["torch_layerwise"].function(problem))


SMOOTH = (
    "two_linear_layers",
    "four_linear_layers",
    "residual",
    "layer_norm",
    "batch_norm_eval",
    "embedding",
    "shared_linear",
)
NARROW = [cell for cell in CELLS if cell[0] in SMOOTH]
NARROW += [("convolution", quantity) for quantity in ("gradient", "jacobian_params", "ggn_diagonal", "hvp")]


@pytest.mark.filterwarnings("ignore::xcheck.layerwise.AutogradLayer")
@pytest.mark.parametrize(("case", "quantity"), NARROW)
def test_agrees_in_bfloat16_where_the_case_is_smooth(case: str, quantity: str) -> None:
    problem = xcheck.problem(case, quantity, "torch", dtype="bfloat16")
    problem.check(implementations(quantity)["torch_layerwise"].function(problem))


def test_a_wrong_product_is_seen_in_bfloat16() -> None:
    problem = xcheck.problem("four_linear_layers", "hvp", "torch", dtype="bfloat16")
    assert not problem.judge(implementations("ggnvp")["torch_layerwise"].function(problem))


def test_batch_normalisation_in_training_is_refused() -> None:
    problem = xcheck.problem("batch_norm_train", "gradient", "torch")
    with pytest.raises(layerwise.Unsupported, match="training"):
        implementations("gradient")["torch_layerwise"].function(problem)


def test_every_quantity_has_an_implementation() -> None:
    assert all("torch_layerwise" in implementations(quantity) for quantity in QUANTITIES)
    assert {"gradient", "ggn", "hessian_params", "hvp"} <= {quantity for _, quantity in CELLS}


def test_the_approximate_diagonal_is_judged_wrong_where_it_is() -> None:
    problem = xcheck.problem("tanh_mlp", "ggn_diagonal", "torch", dtype="float64")
    wrong = layerwise.ggn_diagonal_backprop(
        problem.module, problem.inputs[0], problem.targets, loss=problem.loss_module
    )
    assert not problem.judge(wrong)


def test_what_is_summed_or_cut_leaves_frozen_parameters_out() -> None:
    problem = xcheck.problem("frozen_middle", "hessian_diagonal", "torch")

    def found(quantity: str) -> Any:
        return implementations(quantity)["torch_layerwise"].function(problem)

    assert found("hessian_trace") == found("hessian_diagonal").sum()
    for quantity in ("ggn_blocks", "hessian_blocks"):
        assert {name: len(block) for name, block in found(quantity).items()} == {
            name: values.numel() for name, values in problem.unflatten(problem.theta).items()
        }
