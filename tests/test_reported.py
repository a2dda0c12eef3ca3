"""Mistakes that people have reported: a gate without its bias, a saved sigmoid, another variance."""

from __future__ import annotations

import numpy as np
import pytest

import xcheck
from xcheck import Case, Normal

D, UNITS = 3, 4


def gru(xp, params, inputs):
    """PyTorch's GRU cell, from a state of its own to the next one."""
    x, h = inputs["x"], inputs["h"]
    a = xp.matmul(x, xp.matrix_transpose(params["weight_ih"])) + params["bias_ih"]
    b = xp.matmul(h, xp.matrix_transpose(params["weight_hh"])) + params["bias_hh"]
    first, second, third = (slice(k * UNITS, (k + 1) * UNITS) for k in range(3))
    r, z = xp.nn.sigmoid(a[:, first] + b[:, first]), xp.nn.sigmoid(a[:, second] + b[:, second])
    return (1 - z) * xp.tanh(a[:, third] + r * b[:, third]) + z * h


GRU = Case(
    name="gru",
    program=gru,
    params={
        "weight_ih": Normal((3 * UNITS, D), seed=1), "weight_hh": Normal((3 * UNITS, UNITS), seed=2),
        "bias_ih": Normal((3 * UNITS,), seed=3), "bias_hh": Normal((3 * UNITS,), seed=4),
    },
    inputs={"x": Normal((5, D), seed=5), "h": Normal((5, UNITS), seed=6)},
    quantities=("value",),
)  # fmt: skip


def gru_in_numpy(bias_ih, bias_hh):
    values = GRU.values()
    x, h = values.inputs["x"], values.inputs["h"]
    a = np.split(x @ values.params["weight_ih"].T + bias_ih, 3, axis=1)
    b = np.split(h @ values.params["weight_hh"].T + bias_hh, 3, axis=1)
    r, z = (1 / (1 + np.exp(-a[k] - b[k])) for k in (0, 1))
    return (1 - z) * np.tanh(a[2] + r * b[2]) + z * h


@pytest.mark.parametrize("missing", ["bias_ih", "bias_hh"])
@pytest.mark.parametrize("gate", [0, 1, 2, None])
def test_a_bias_that_a_cell_lacks_is_named(missing, gate):
    """The other framework's cell has none inside the reset product: gate 2 of bias_hh."""
    biases = {name: np.array(GRU.values().params[name]) for name in ("bias_ih", "bias_hh")}
    assert xcheck.judge(gru_in_numpy(**biases), GRU, "value", dtype="float64")
    biases[missing][slice(None) if gate is None else slice(gate * UNITS, (gate + 1) * UNITS)] = 0
    found = xcheck.judge(gru_in_numpy(**biases), GRU, "value", dtype="float64")
    expected = f"is that of the program without {missing if gate is None else f'gate {gate} of {missing}'}"
    assert [e.text for e in found.diagnosis] == [expected]


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def silu_slope(x):
    return sigmoid(x) * (1 + x * (1 - sigmoid(x)))


def bent(name, shape=(4, 3)):
    """`sum_d x_d f(x_d)`, whose second derivatives are `2 f' + x f''`."""

    def program(xp, params, inputs):
        x = inputs["x"]
        f = getattr(xp if name in ("tanh", "sin") else xp.nn, name)
        return xp.sum(x * f(x), axis=1, keepdims=True)

    inputs = {"x": Normal(shape, seed=7)}
    return Case(name=f"bent_{name}", program=program, params={}, inputs=inputs, wrt="x", quantities=("hessian_inputs",))


#: The function and its slope, and the second derivative that is found where something is held constant.
BENT = (
    ("tanh", lambda x: 1 - np.tanh(x) ** 2, 0.0, "takes the slope of tanh for a constant"),
    ("sin", np.cos, 0.0, "takes the slope of sin for a constant"),
    ("sigmoid", lambda x: sigmoid(x) * (1 - sigmoid(x)), 0.0, "takes the slope of sigmoid for a constant"),
    ("silu", silu_slope, 0.0, "takes the slope of silu for a constant"),
    ("silu", silu_slope, 1.0, "takes the sigmoid in the slope of silu for a constant"),
)


@pytest.mark.parametrize(("name", "slope", "saved", "text"), BENT, ids=[text for *_, text in BENT])
def test_a_number_that_was_saved_for_the_backward_pass_is_named(name, slope, saved, text):
    """At 0.5 the second derivative of silu is 0.4412, and 0.235 = s (1 - s) where the sigmoid s was saved."""
    case = bent(name)
    x = case.values().inputs["x"]
    diagonal = 2 * slope(x) + saved * x * sigmoid(x) * (1 - sigmoid(x))
    wrong = np.einsum("nd,de->nde", diagonal, np.eye(3))[:, None]
    found = xcheck.judge(wrong, case, "hessian_inputs", dtype="float64")
    assert found.diagnosis[0].text.startswith(text), found.text


def variance(shape, axes):
    inputs = {"x": Normal(shape, seed=8)}

    def program(xp, params, inputs):
        return xp.reshape(xp.var(inputs["x"], axis=axes), (shape[0], -1))

    return Case(name="variance", program=program, params={}, inputs=inputs, wrt="x", quantities=("value", "jvp"))


@pytest.mark.parametrize("quantity", ["value", "jvp"])
@pytest.mark.parametrize(
    ("shape", "axes", "k", "where"),
    [
        ((5, 3), 1, 3, "axis 1 of x"),
        ((7, 4), 1, 4, "axis 1 of x"),
        ((5, 3, 6), 2, 6, "axis 2 of x"),
        ((5, 3, 6), (1, 2), 18, "the entries of an example of x"),
    ],
)
def test_the_other_divisor_of_a_variance_is_named_with_its_axis(shape, axes, k, where, quantity):
    case = variance(shape, axes)
    R = xcheck.reference(case, quantity).value
    for factor, name in ((k / (k - 1), "k/(k-1)"), ((k - 1) / k, "(k-1)/k")):
        found = xcheck.judge(R * factor, case, quantity, dtype="float64")
        assert [(e.name, e.value) for e in found.diagnosis] == [("factor", factor)]
        assert f"{name} with k = {k}, {where}" in found.text


def test_a_factor_has_one_explanation_whatever_it_is_called_here():
    """At n = c = 1 seven names are 2, which 1/beta may be as well."""
    case = variance((1, 3), 1)
    R = xcheck.reference(case, "value").value
    assert R.shape == (1, 1)
    (found,) = xcheck.judge(2 * R, case, "value", dtype="float64").diagnosis
    assert found.text == "equals 2 x the reference (here also 2*n, 2/n, (n+1)/n)"
