"""Both frameworks under one set of names: arrays go in and out exactly, settings are restored, `xp.nn` is mirrored."""

import inspect
from dataclasses import replace

import jax
import numpy as np
import pytest
import torch

import xcheck
from xcheck._errors import DeviceError, Unsupported, UsageError
from xcheck.exact.nn import PRIMITIVES
from xcheck.frameworks import _jax_nn, _torch_nn
from xcheck.frameworks import jax as in_jax
from xcheck.frameworks import torch as in_torch

BOTH = pytest.mark.parametrize("native", [in_torch, in_jax], ids=["torch", "jax"])
DTYPES = ("float64", "float32", "bfloat16")


@BOTH
@pytest.mark.parametrize("dtype", DTYPES)
def test_arrays_go_in_and_out_exactly(native, dtype):
    values = np.array([[1.0, -0.5], [3.0, 2.0**-60]])
    array = native.asarray(values, dtype)
    assert native.dtype_name(array) == dtype
    assert np.array_equal(native.to_numpy({"a": {"b": array}})["a/b"], values)


@BOTH
def test_an_array_owns_its_memory(native):
    values = np.ones(3)
    array = native.asarray(values, "float64")
    values[0] = 7
    assert native.to_numpy(array).tolist() == [1, 1, 1]


def test_float64_needs_no_setting_of_the_caller():
    assert not jax.config.jax_enable_x64
    assert in_jax.dtype_name(in_jax.asarray(np.ones(2), "float64")) == "float64"


def test_precision_is_restored_in_torch():
    before = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    with torch.no_grad(), in_torch.precision("tf32"):
        assert torch.get_float32_matmul_precision() == "high"
        assert torch.backends.cudnn.allow_tf32
        assert torch.is_grad_enabled()
    with in_torch.precision("float32"):
        assert not torch.backends.cudnn.allow_tf32
    assert (torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32) == before


def test_precision_is_restored_in_jax():
    with in_jax.precision("float64"):
        assert jax.config.jax_enable_x64
        assert jax.numpy.ones(1).dtype == "float64"
        assert jax.config.jax_default_matmul_precision == "highest"
    assert not jax.config.jax_enable_x64
    assert jax.config.jax_default_matmul_precision is None


@BOTH
def test_a_missing_device_is_one_line(native):
    assert native.devices()[0] == "cpu"
    with pytest.raises(DeviceError, match=r"device 'tpu': \w+ [\w.+]+ sees cpu"):
        native.asarray(np.ones(1), "float64", "tpu")


@BOTH
def test_an_unknown_dtype_is_one_line(native):
    with pytest.raises(UsageError, match="unknown dtype 'float16'"), native.precision("float16"):
        pass


def test_nn_has_the_same_functions_and_arguments_in_both():
    def signatures(module):
        return {name: list(inspect.signature(getattr(module, name)).parameters) for name in public(module)}

    assert signatures(_torch_nn) == signatures(_jax_nn)


def public(module):
    return {name for name, _ in inspect.getmembers(module, inspect.isfunction) if not name.startswith("_")}


X = np.array([[-2.0, 0.0, 3.0]])
IMAGE = np.arange(16.0).reshape(1, 1, 4, 4)
EXACT = [
    ("relu", (X,), {}, [[0, 0, 3]]),
    ("sigmoid", (0 * X,), {}, [[0.5, 0.5, 0.5]]),
    ("silu", (0 * X,), {}, [[0, 0, 0]]),
    ("erf", (0 * X,), {}, [[0, 0, 0]]),
    ("gelu", (0 * X,), {}, [[0, 0, 0]]),
    ("gelu", (0 * X,), {"approximate": True}, [[0, 0, 0]]),
    ("softmax", (np.ones((1, 4)),), {}, [[0.25] * 4]),
    ("logsumexp", (np.array([[5.0]]),), {}, [5]),
    ("log_softmax", (np.array([[5.0]]),), {}, [[0]]),
    ("pick", (X, np.array([2])), {}, [3]),
    ("take", (X.T, np.array([2, 2, 0])), {}, [[3], [3], [-2]]),
    ("layer_norm", (np.array([[1.0, 3.0]]), np.array([2.0, 4.0]), np.ones(2), 0.0), {}, [[-1, 5]]),
    ("conv2d", (IMAGE, np.ones((1, 1, 2, 2)), np.ones(1)), {"stride": 2}, [[[[11, 19], [43, 51]]]]),
    ("conv2d", (IMAGE[..., :1, :1] + 2, np.ones((1, 1, 3, 3)), np.ones(1)), {"padding": 1}, [[[[3]]]]),
    ("avg_pool2d", (IMAGE, 2), {}, [[[[2.5, 4.5], [10.5, 12.5]]]]),
    ("max_pool2d", (IMAGE, 2), {}, [[[[5, 7], [13, 15]]]]),
    ("avg_pool2d", (IMAGE, 3, 1), {}, [[[[5, 6], [9, 10]]]]),
    ("max_pool2d", (IMAGE, 3), {"stride": 1}, [[[[10, 11], [14, 15]]]]),
]


@BOTH
@pytest.mark.parametrize(("name", "arguments", "options", "expected"), EXACT, ids=[row[0] for row in EXACT])
def test_nn_is_exact_where_numbers_are_small(native, name, arguments, options, expected):
    with native.precision("float64"):
        arrays = [native.asarray(a, "float64") if isinstance(a, np.ndarray) else a for a in arguments]
        found = native.to_numpy(getattr(native.xp.nn, name)(*arrays, **options))
    assert found.tolist() == expected


def test_every_function_of_nn_has_an_exact_twin():
    """tests/exact/test_primitives.py compares each with both frameworks through the judge."""
    assert public(_torch_nn) == set(PRIMITIVES)


@BOTH
@pytest.mark.parametrize("count", [1, 5, 8, 9, 141])
def test_a_chunked_function_sees_every_row_once(native, count):
    rows = native.asarray(np.arange(2.0 * count).reshape(count, 2), "float32")
    found = native.to_numpy(native.chunked(lambda row: row @ row, 8)(rows))
    assert np.array_equal(found, np.square(native.to_numpy(rows)).sum(axis=1))


def test_quick_compilation_is_another_one_and_says_the_same():
    def function(x):
        return jax.numpy.sum(jax.numpy.sqrt(x))

    quick, usual = in_jax.wrap(function, "jit", True), in_jax.wrap(function, "jit", False)
    assert quick is not usual
    assert quick(4.0) == usual(4.0) == 2.0


def test_an_option_that_this_xla_does_not_know_is_left_out(monkeypatch):
    assert in_jax._quick() == in_jax.QUICK
    monkeypatch.setattr(in_jax, "QUICK", {"xla_of_another_release": 0})
    in_jax._quick.cache_clear()
    assert in_jax._quick() is None
    in_jax._quick.cache_clear()


def test_compiled_torch_is_recorded_once_and_sees_new_numbers(monkeypatch):
    """Recording takes seconds: a benchmark that repeated it would time the compiler."""
    recorded = []

    def objective(problem):
        recorded.append(problem)
        return problem.objective(problem.theta)

    def quickly(graph, **settings):
        return graph

    monkeypatch.setattr(torch, "compile", quickly)
    monkeypatch.setenv("CXX", "true")
    run = in_torch.wrap(objective, "compile")
    one = xcheck.problem("linear_gaussian_3_2", "value", "torch")
    other = replace(one, theta=one.theta + 1)
    found = [run(one).item(), run(other).item(), run(one).item()]
    assert found == [one.objective(one.theta).item(), one.objective(other.theta).item(), found[0]]
    assert len(recorded) == 1
    single = xcheck.problem("linear_gaussian_3_2", "value", "torch", dtype="float32")
    assert run(single).dtype == torch.float32
    assert len(recorded) == 2


def by_gradient(problem):
    return torch.autograd.grad(problem.objective(problem.theta.requires_grad_()), problem.theta)[0]


def test_a_cuda_graph_of_arrays_that_are_elsewhere_is_unsupported():
    run = in_torch.wrap(by_gradient, "cudagraph")
    with pytest.raises(Unsupported, match="a CUDA graph needs its arrays on a CUDA device, and these are on cpu"):
        run(xcheck.problem("linear_gaussian_3_2", "gradient", "torch"))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="records what CUDA runs: needs a GPU")
def test_a_cuda_graph_sees_new_numbers_and_keeps_old_results():
    run = in_torch.wrap(by_gradient, "cudagraph")
    one = xcheck.problem("linear_gaussian_3_2", "gradient", "torch", device="cuda")
    other = replace(one, theta=one.theta.detach() + 1)
    found = [run(one), run(other), run(one)]
    for problem, result in zip((one, other, one), found, strict=True):
        assert torch.equal(result, by_gradient(problem))
    assert not torch.equal(found[0], found[1])
    with pytest.raises(Unsupported, match="CUDA cannot record this call"):
        in_torch.wrap(lambda problem: problem.objective(problem.theta).item(), "cudagraph")(one)
