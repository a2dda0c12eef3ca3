"""Layers: PyTorch's parameter names and order, real modules, one function in every arithmetic."""

from __future__ import annotations

import numpy as np
import pytest

import xcheck
from xcheck import Case, CaseError, Integers, Normal
from xcheck._lazy import torch
from xcheck.program import (
    AvgPool2d,
    BatchNorm,
    Conv2d,
    Embedding,
    Flatten,
    Frozen,
    GroupNorm,
    HeadFirst,
    InstanceNorm1d,
    Layer,
    LayerNorm,
    Linear,
    MaxPool2d,
    MeanPool,
    Recurrent,
    ReLU,
    Residual,
    RMSNorm,
    SelfAttention,
    Semigradient,
    Sequential,
    Sigmoid,
    Tanh,
    Twice,
    split_aux,
)
from xcheck.quantity import FRAMEWORKS

IMAGES, FEATURES, SEQUENCES = Normal((2, 4, 6, 5), seed=1), Normal((3, 4), seed=2), Normal((2, 3, 4), seed=3)
LAYERS = {
    "linear": (Linear(4, 3), FEATURES),
    "linear_without_bias": (Linear(4, 3, bias=False), SEQUENCES),
    "tanh": (Tanh(), FEATURES),
    "sigmoid": (Sigmoid(), FEATURES),
    "relu": (ReLU(), FEATURES),
    "convolution": (Conv2d(4, 6, 3), IMAGES),
    "convolution_strided": (Conv2d(4, 6, 3, stride=2, padding=1), IMAGES),
    "convolution_grouped": (Conv2d(4, 6, 2, groups=2), IMAGES),
    "average_pool": (AvgPool2d(2), IMAGES),
    "average_pool_overlapping": (AvgPool2d(3, stride=2), IMAGES),
    "max_pool": (MaxPool2d(2), IMAGES),
    "max_pool_overlapping": (MaxPool2d(3, stride=1), IMAGES),
    "flatten": (Flatten(), IMAGES),
    "layer_norm": (LayerNorm(4), SEQUENCES),
    "rms_norm": (RMSNorm(4), SEQUENCES),
    "group_norm": (GroupNorm(4, groups=2), IMAGES),
    "instance_norm": (InstanceNorm1d(3), SEQUENCES),
    "batch_norm_eval": (BatchNorm(4, training=False), FEATURES),
    "batch_norm_train": (BatchNorm(4, training=True), FEATURES),
    "embedding": (Embedding(5, 4), Integers((3, 6), seed=4, low=0, high=5)),
    "mean_pool": (MeanPool(), SEQUENCES),
    "residual": (Residual(Sequential(Linear(4, 4), Tanh())), FEATURES),
    "twice": (Twice(Linear(4, 4)), FEATURES),
    "head_first": (HeadFirst(Sequential(Linear(4, 3), BatchNorm(3, training=False)), Linear(3, 2)), FEATURES),
    "recurrent": (Recurrent(4, 3), SEQUENCES),
    "frozen": (Frozen(Linear(4, 3), seed=7), FEATURES),
    "frozen_batch_norm": (Frozen(BatchNorm(4, training=False), seed=7), FEATURES),
    "semigradient": (Semigradient(Linear(2, 1), seed=600, discount=0.5), FEATURES),
    "attention": (SelfAttention(4, heads=1), SEQUENCES),
    "attention_of_two_heads": (SelfAttention(8, heads=2), Normal((2, 3, 8), seed=5)),
}
every_layer = pytest.mark.parametrize("name", LAYERS)


def case_of(name: str, layer: Layer | None = None) -> Case:
    declared, x = LAYERS[name]
    net = Sequential(layer or declared)
    return Case(name=name, program=net, params=net.init(seed=6), inputs={"x": x}, quantities=("value",), doc=name)


@every_layer
def test_names_and_shapes_are_those_of_the_module(name):
    layer = Sequential(LAYERS[name][0])
    module = layer.torch()
    named = {key: tuple(p.shape) for key, p in module.named_parameters() if p.requires_grad}
    assert list(layer.shapes().items()) == list(named.items())
    assert {key: d.make().shape for key, d in layer.init(seed=6).items()} == named
    held = {key: tuple(b.shape) for key, b in module.state_dict().items() if b.dtype.is_floating_point}
    assert {key: d.make().shape for key, d in layer.buffers().items()} == {k: held[k] for k in held.keys() - named}


@every_layer
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_layer_is_one_function_in_every_arithmetic(name, framework, tmp_path, monkeypatch):
    """The module, the JAX function and the exact program, by the judge."""
    monkeypatch.setenv("XCHECK_CACHE", str(tmp_path))
    case = case_of(name)
    for dtype in ("float64", "float32"):
        problem = xcheck.problem(case, "value", framework, dtype=dtype)
        with problem.precision():
            y = problem.f(problem.params, *problem.inputs)
        xcheck.check(y, case, "value", dtype=dtype)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("convolution_strided", Conv2d(4, 6, 3, stride=2, padding=2)),
        ("convolution_grouped", Conv2d(4, 6, 2, groups=1)),
        ("batch_norm_eval", BatchNorm(4, training=True)),
        ("twice", Residual(Linear(4, 4))),
        ("max_pool_overlapping", MaxPool2d(2, stride=1)),
        ("average_pool_overlapping", AvgPool2d(3, stride=3)),
        ("group_norm", GroupNorm(4, groups=4)),
        ("rms_norm", LayerNorm(4)),
        ("frozen", Frozen(Linear(4, 3), seed=8)),
        ("semigradient", Semigradient(Linear(2, 1), seed=600, discount=0.25)),
        ("attention_of_two_heads", SelfAttention(8, heads=4)),
    ],
)
def test_another_layer_disagrees(name, wrong, tmp_path, monkeypatch):
    monkeypatch.setenv("XCHECK_CACHE", str(tmp_path))
    problem = xcheck.problem(case_of(name, wrong), "value", "torch")
    assert not xcheck.judge(problem.f(problem.params, *problem.inputs), case_of(name), "value", dtype="float64")


def test_batch_norm_in_training_leaves_its_statistics_alone():
    problem = xcheck.problem(case_of("batch_norm_train"), "value", "torch")
    before = problem.snapshot()
    problem.f(problem.params, *problem.inputs)
    assert problem.changed(before) is None
    problem.module(*problem.inputs)
    assert problem.changed(before) is not None


def test_a_shared_layer_has_its_parameters_once():
    assert list(Twice(Linear(4, 4)).shapes()) == ["layer.weight", "layer.bias"]
    assert len(list(Twice(Linear(4, 4)).torch().parameters())) == 2


def test_no_derivative_reaches_what_is_held():
    """A frozen layer has no parameters; behind a stop-gradient the target has no derivative: J = [s, 1]."""
    frozen = xcheck.problem(case_of("frozen"), "value", "torch")
    assert frozen.theta.shape == (0,)
    assert not any(p.requires_grad for p in frozen.module.parameters())
    problem = xcheck.problem(case_of("semigradient"), "jacobian_params", "torch")
    (x,) = problem.inputs
    ones = torch.ones(3, 1, 1, dtype=x.dtype)
    found = torch.func.jacrev(lambda theta: problem.f(problem.unflatten(theta), x))(problem.theta)
    assert torch.equal(found, torch.cat([x[:, None, :2], ones], dim=2))


def test_outputs_and_aux():
    one, two = np.float64(1), np.float64(2)
    assert split_aux(one) == ({"output": one}, {})
    assert split_aux({"a": one}) == ({"a": one}, {})
    assert split_aux((one, two)) == ({"output": one}, {"aux": two})


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        (None, "output of type NoneType"),
        (3, "output of type int"),
        ("y", "output of type str"),
        ([np.ones(2)], "output of type list"),
        ({}, "an empty dict"),
        ({"a": {"b": np.ones(2)}}, "output 'a' of type dict"),
        ({1: np.ones(2)}, "a dict with the key 1"),
        ((np.ones(2),), "a tuple of 1"),
        ((np.ones(2),) * 3, "a tuple of 3"),
        ((np.ones(2), None), "aux of type NoneType"),
        ((np.ones(2), {"a": [np.ones(2)]}), "aux 'a' of type list"),
        ((np.ones(2), (np.ones(2), np.ones(2))), "aux of type tuple"),
    ],
)
def test_what_is_no_output_is_one_clear_line(returned, said):
    with pytest.raises(CaseError) as raised:
        split_aux(returned)
    assert str(raised.value).startswith(f"a program returned {said}; expected an array,")


def test_parameters_of_other_names_are_refused():
    net = Sequential(Linear(4, 3))
    renamed = {name.replace("0.", "layer."): d for name, d in net.init(seed=1).items()}
    case = Case(name="renamed", program=net, params=renamed, inputs={"x": FEATURES}, quantities=("value",))
    with pytest.raises(
        CaseError, match=r"params are layer\.weight, layer\.bias, but the module has 0\.weight, 0\.bias"
    ):
        xcheck.problem(case, "value", "torch")


def test_a_layer_without_its_formula_says_so():
    with pytest.raises(TypeError, match="Layer states no apply"):
        Layer()(np, {}, {"x": np.zeros(2)})
    with pytest.raises(TypeError, match="Layer states no torch"):
        Layer().torch()


def test_modules_are_pytorch_s_own():
    module = Sequential(Linear(4, 3), Tanh(), LayerNorm(3)).torch()
    assert [type(child) for child in module] == [torch.nn.Linear, torch.nn.Tanh, torch.nn.LayerNorm]
