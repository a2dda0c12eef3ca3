"""Problem: a case made native, what it tells of its changes, and when an implementation does not apply."""

import jax
import numpy as np
import pytest
import torch

import xcheck
from xcheck._errors import DeviceError, Mismatch, UnknownName, Unsupported, UsageError
from xcheck._execute import execute, unmet
from xcheck._problem import adapter, problem
from xcheck.quantity import implementations
from xcheck.result import Outcome

BOTH = pytest.mark.parametrize("framework", ["torch", "jax"])


@BOTH
def test_theta_is_in_the_order_of_the_module(framework):
    made = problem("linear_gaussian_3_2", "gradient", framework)
    values = made.case.values().params
    flat = np.concatenate([values["weight"].ravel(), values["bias"]])
    native = adapter(framework)
    assert np.array_equal(native.to_numpy(made.theta), flat)
    with made.precision():
        assert np.array_equal(native.to_numpy(made.flatten(dict(reversed(made.params.items())))), flat)


@BOTH
def test_losses_sum_to_the_loss(framework):
    made = problem("linear_gaussian", "gradient", framework)
    with made.precision():
        zero = made.xp.zeros_like(made.targets)
        loss = adapter(framework).to_numpy(made.loss(made.targets))
        parts = adapter(framework).to_numpy(made.losses(zero + 2, zero))
    assert loss == 0
    assert np.array_equal(parts[:3], [2, 2, 2])


def test_the_module_holds_the_numbers_of_the_case():
    made = problem("tanh_mlp", "value", "torch", dtype="float32")
    assert made.module[0].weight.dtype is torch.float32
    assert torch.equal(torch.cat([p.flatten() for p in made.module.parameters()]), made.theta)
    assert [len(x) for x, _ in made.batches(400)] == [400, 400, 200]


def test_a_problem_is_an_argument_of_jit():
    made = problem("td_error_aux", "value", "jax", dtype="float32")
    assert made.argnums == (0, 1, 2)
    doubled = jax.tree_util.tree_map(lambda leaf: 2 * leaf, made)
    assert np.array_equal(doubled.theta, 2 * made.theta)
    assert jax.jit(lambda p: p.theta.sum())(doubled) == 2 * made.theta.sum()


@BOTH
def test_tf32_is_float32_in_memory(framework):
    made = problem("linear_gaussian", "value", framework, dtype="tf32")
    assert adapter(framework).dtype_name(made.theta) == "float32"


def test_a_changed_input_is_told():
    made = problem("linear_gaussian", "hvp", "torch")
    before = made.snapshot()
    assert made.changed(before) is None
    made.inputs[0][3] += 1
    assert made.changed(before) == (Outcome.MUTATED_INPUT, "changed: inputs/x")


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (lambda module: module.eval(), "module.training, 0.training"),
        (lambda module: module[0].weight.data.zero_(), "0.weight"),
        (lambda module: module[0].weight.requires_grad_(False), "0.weight.requires_grad"),
        (lambda module: module(torch.ones(1, 1).double()).backward(), "0.weight.grad"),
        (lambda module: module[1].register_forward_hook(print), "1.hooks"),
    ],
    ids=["eval", "weight", "requires_grad", "grad", "hook"],
)
def test_a_changed_state_is_told(fault, told):
    made = problem("tanh_mlp", "hvp", "torch")
    before = made.snapshot()
    fault(made.module)
    outcome, text = made.changed(before)
    assert outcome is Outcome.MUTATED_STATE
    assert text.startswith(f"changed: {told}")


@BOTH
def test_a_right_result_passes_and_a_wrong_one_does_not(framework):
    made = problem("linear_gaussian_quarter", "ggn", framework)
    right = execute(made, implementations("ggn")[f"{framework}_jacobian"]).result
    made.check(right)
    with made.precision():
        wrong = 2 * right
    with pytest.raises(Mismatch, match="2"):
        made.check(wrong)


@pytest.mark.parametrize(
    ("case", "quantity", "name", "framework", "reason"),
    [
        ("td_error", "value", "torch_module", "torch", "is no torch.nn.Module"),
        ("td_error", "jacobian_aux", "jax_vjp", "jax", "returns no aux"),
        ("td_error", "hvp", "torch_full", "torch", "has no loss"),
        ("linear_gaussian", "hvp", "torch_full", "jax", "is written for torch"),
        ("linear_gaussian", "jacobian_inputs", "torch_closed_form_td", "torch", "for the cases td_error"),
    ],
)
def test_what_does_not_apply_says_why(case, quantity, name, framework, reason):
    made, declared = problem(case, quantity, framework), implementations(quantity)[name]
    assert reason in str(unmet(made, declared))
    with pytest.raises(Unsupported, match=reason):
        execute(made, declared)


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        (("tanh_mpl", "hvp", "torch"), {}, UnknownName, "did you mean 'tanh_mlp'"),
        (("tanh_mlp", "hvpp", "torch"), {}, UnknownName, "did you mean 'hvp'"),
        (("tanh_mlp", "hvp", "numpy"), {}, UsageError, "unknown framework 'numpy'; known: torch, jax"),
        (("tanh_mlp", "hvp", "torch"), {"dtype": "half"}, UsageError, "unknown dtype 'half'"),
        (("tanh_mlp", "hvp", "jax"), {"device": "tpu"}, DeviceError, "device 'tpu'"),
    ],
)
def test_bad_input_is_one_line(arguments, options, error, message):
    with pytest.raises(error, match=message) as raised:
        xcheck.problem(*arguments, **options)
    assert "\n" not in str(raised.value)
