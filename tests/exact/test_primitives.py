"""Every primitive against its rule-free enclosure, and against the frameworks' own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import xcheck
from xcheck import Case, Literal, Normal, Uniform
from xcheck._lazy import installed
from xcheck.arrays import Descriptor
from xcheck.exact.balls import Balls, precision
from xcheck.exact.derivatives import Derivatives
from xcheck.exact.nn import PRIMITIVES
from xcheck.exact.probe import Probe, overlap
from xcheck.program import mse
from xcheck.quantities import load_quantities

N = 2
EPS = 2.0**-16
#: By jets, by the tape, by the tape over jets, by jets of higher order.
QUANTITIES = ("jvp", "vjp", "hvp", "hessian_diagonal", "third_derivative", "fourth_derivative")
U = Normal((N, 3), seed=3)
POSITIVE = Uniform((N, 3), seed=2, low=0.5, high=2.0)
ROW = Normal((3,), seed=4)
IMAGE = Normal((N, 2, 4, 4), seed=5)
SIGNAL = Normal((N, 2, 5), seed=6)
PAIR = (Normal((2,), seed=7), Normal((2,), seed=8))


def row(name: str, function: Callable[..., Any], *params: Descriptor, index: Descriptor | None = None) -> Case:
    """A case that differentiates everything that enters `function(xp, *params)`; an index comes last."""

    def program(xp: Any, params: Any, inputs: Any) -> Any:
        extra = [inputs["index"]] if index else []
        return xp.reshape(function(xp, *params.values(), *extra), (N, -1)) + inputs["x"]

    return Case(
        name=name,
        program=program,
        params={f"a{k}": descriptor for k, descriptor in enumerate(params)},
        inputs={"x": Literal(((1.0,), (2.0,)))} | ({"index": index} if index else {}),
        targets=Literal(((0.5,), (-0.25,))),
        loss=mse(),
    )


MASK = np.array([True, False, True])


def conv(*shape: int) -> Descriptor:
    return Normal(shape, seed=9)


ARRAY_API = (
    row("add", lambda xp, a, b: (a + b) * a, U, ROW),
    row("subtract", lambda xp, a, b: (1.0 - a) * (a - b), U, ROW),
    row("divide", lambda xp, a, b: a / b, U, POSITIVE),
    row("exp", lambda xp, a: xp.exp(a), U),
    row("expm1", lambda xp, a: xp.expm1(a), U),
    row("log", lambda xp, a: xp.log(a), POSITIVE),
    row("log1p", lambda xp, a: xp.log1p(a), POSITIVE),
    row("sqrt", lambda xp, a: xp.sqrt(a), POSITIVE),
    row("sin", lambda xp, a: xp.sin(a), U),
    row("cos", lambda xp, a: xp.cos(a), U),
    row("tanh", lambda xp, a: xp.tanh(a), U),
    row("abs", lambda xp, a: xp.abs(a) * a, U),
    row("square", lambda xp, a: xp.square(a), U),
    row("power_integer", lambda xp, a: a**5, U),
    row("power_negative", lambda xp, a: a**-3, POSITIVE),
    row("power_half", lambda xp, a: a**1.5, POSITIVE),
    row("power_real", lambda xp, a: xp.pow(a, 0.75), POSITIVE),
    row("power_array", lambda xp, a, b: xp.pow(a, b), POSITIVE, ROW),
    row("maximum", lambda xp, a, b: xp.maximum(a * a, b), U, ROW),
    row("minimum", lambda xp, a, b: xp.minimum(a * a, b), U, ROW),
    row("clip", lambda xp, a: a * xp.clip(a, min=-0.5, max=0.5), U),
    row("where", lambda xp, a, b: xp.where(a > b, a * b, xp.sin(a)), U, ROW),
    row("where_not_less", lambda xp, a: xp.where(a >= 0.25, a * a, -a), U),
    row("matmul", lambda xp, a, b: xp.matmul(a, b), Normal((N, 4), seed=3), Normal((4, 3), seed=4)),
    row("matmul_batch", lambda xp, a, b: a @ b, Normal((N, 2, 4), seed=3), Normal((N, 4, 3), seed=4)),
    row("matmul_broadcast", lambda xp, a, b: a @ b, Normal((3, 4), seed=3), Normal((N, 4, 2), seed=4)),
    row("matmul_vector", lambda xp, a, b: a @ b, U, ROW),
    row("sum", lambda xp, a: xp.sum(a * a, axis=(1, 2)), SIGNAL),
    row("mean", lambda xp, a: xp.mean(a * a, axis=-1), SIGNAL),
    row("var", lambda xp, a: xp.var(a, axis=1, correction=1), U),
    row("max", lambda xp, a: xp.max(a * a, axis=-1), SIGNAL),
    row("min", lambda xp, a: xp.min(a * a, axis=(1, 2)), SIGNAL),
    row("concat", lambda xp, a, b: xp.concat([a, a * b], axis=1), U, POSITIVE),
    row("stack", lambda xp, a, b: xp.stack([a, a * b], axis=1), U, POSITIVE),
    row("take_columns", lambda xp, a, k: xp.take(a * a, k, axis=1), U, index=Literal((2, 0))),
    row("reversed", lambda xp, a: xp.flip(a * a, axis=1)[:, 1:], U),
    row("reflected_power", lambda xp, a: 1.5**a, U),
    row("power_of_counts", lambda xp, a, k: a ** k[:, None], POSITIVE, index=Literal((0, 3))),
    row("prod", lambda xp, a: xp.prod(a, axis=1), U),
    row("cumulative_sum", lambda xp, a: xp.cumulative_sum(a, axis=1) ** 2, U),
    row("repeat", lambda xp, a: xp.repeat(a * a, 2, axis=1) * xp.tile(a, (1, 2)), U),
    row("roll", lambda xp, a: a * xp.roll(a, 1, axis=1), U),
    row("outer", lambda xp, a, b: xp.outer(a, b), ROW, Normal((2,), seed=7)),
    row("vecdot", lambda xp, a, b: xp.vecdot(a, b), U, POSITIVE),
    row("tensordot", lambda xp, a, b: xp.tensordot(a, b, axes=((1,), (0,))), SIGNAL, conv(2, 3)),
    row("sign", lambda xp, a: xp.sign(a) * a * a, U),
    row("equal", lambda xp, a, b: xp.where((a == 0.25) | (a != 0.25), a * b, b), U, ROW),
    row("logic", lambda xp, a: xp.where(xp.logical_and(a > -1, ~(a > 1.0)), a * a, -a), U),
    row("any", lambda xp, a: xp.where(xp.any(a > 1.0, axis=1, keepdims=True), a * a, -a), U),
    row("like", lambda xp, a: a * (xp.zeros_like(a) + xp.full_like(a, 0.75)) * a, U),
    row(
        "made",
        lambda xp, a: (
            a
            * (
                xp.zeros((2, 3), dtype=a.dtype)
                + 2.0 * xp.eye(2, 3, dtype=a.dtype)
                + xp.full((2, 1), 0.1, dtype=a.dtype)
            )
            * a
        ),
        U,
    ),
    row("entry", lambda xp, a: a[0] * a[1] ** 2 * xp.ones((2, 1), dtype=a.dtype), ROW),
    row("new_axis", lambda xp, a: (a[:, None] * a[..., None])[:, 1:], U),
    row("apart", lambda xp, a, k: (a * a)[k, :, k], SIGNAL, index=Literal((1, 0))),
    row("masked", lambda xp, a: (a * a)[:, MASK], U),
    row("dot", lambda xp, a, b: (a @ b) ** 2 * xp.ones((2, 1), dtype=a.dtype), ROW, Normal((3,), seed=7)),
    row("transposed_matrices", lambda xp, a: xp.matmul(a, xp.matrix_transpose(a)), SIGNAL),
    row(
        "counts",
        lambda xp, a, k: a[:, 1:] * k + (k * 2 - 1) * 0.5 - (k % 2) * a[:, :2] * (k // 2),
        U,
        index=Literal((2, 3)),
    ),
    row("positive", lambda xp, a: xp.positive(a) * +a, U),
    row("scalar", lambda xp, a: a * a * xp.ones((2, 1), dtype=a.dtype), Literal(0.75)),
    row("transposed", lambda xp, a: xp.permute_dims(a * a, (0, 2, 1))[:, ::2], SIGNAL),
)
NN = {
    "relu": row("relu", lambda xp, a: a * xp.nn.relu(a), U),
    "leaky_relu": row("leaky_relu", lambda xp, a: a * xp.nn.leaky_relu(a, 0.125), U),
    "elu": row("elu", lambda xp, a: xp.nn.elu(a, 1.5), U),
    "hardtanh": row("hardtanh", lambda xp, a: a * xp.nn.hardtanh(a, -0.5, 0.5), U),
    "sigmoid": row("sigmoid", lambda xp, a: xp.nn.sigmoid(a), U),
    "softplus": row("softplus", lambda xp, a: xp.nn.softplus(a), U),
    "silu": row("silu", lambda xp, a: xp.nn.silu(a), U),
    "erf": row("erf", lambda xp, a: xp.nn.erf(a), U),
    "gelu": row("gelu", lambda xp, a: xp.nn.gelu(a), U),
    "rsqrt": row("rsqrt", lambda xp, a: xp.nn.rsqrt(a), POSITIVE),
    "logsumexp": row("logsumexp", lambda xp, a: xp.nn.logsumexp(a), SIGNAL),
    "softmax": row("softmax", lambda xp, a: xp.nn.softmax(a), SIGNAL),
    "log_softmax": row("log_softmax", lambda xp, a: xp.nn.log_softmax(a), SIGNAL),
    "pick": row("pick", lambda xp, a, k: xp.nn.pick(a * a, k), SIGNAL, index=Literal(((0, 4), (2, 2)))),
    "take": row("take", lambda xp, a, k: xp.nn.take(a * a, k), U, index=Literal(((1, 1, 0), (0, 0, 1)))),
    "constant": row("constant", lambda xp, a: a * a * xp.nn.constant(U.make(), a), U),
    "einsum": row("einsum", lambda xp, a, b: xp.nn.einsum("ncl,cm->nml", a, b), SIGNAL, conv(2, 3)),
    "layer_norm": row("layer_norm", lambda xp, a, w, b: xp.nn.layer_norm(a, w, b, EPS), U, ROW, conv(3)),
    "rms_norm": row("rms_norm", lambda xp, a, w: xp.nn.rms_norm(a, w, EPS), U, ROW),
    "group_norm": row("group_norm", lambda xp, a, w, b: xp.nn.group_norm(a, 1, w, b, EPS), SIGNAL, *PAIR),
    "instance_norm": row("instance_norm", lambda xp, a, w, b: xp.nn.instance_norm(a, w, b, EPS), SIGNAL, *PAIR),
    "batch_norm": row("batch_norm", lambda xp, a, w, b: xp.nn.batch_norm(a, w, b, EPS), SIGNAL, *PAIR),
    "conv1d": row("conv1d", lambda xp, a, w: xp.nn.conv1d(a, w, None, 2, 1), SIGNAL, conv(3, 2, 3)),
    "conv2d": row("conv2d", lambda xp, a, w, b: xp.nn.conv2d(a, w, b, 2, 1), IMAGE, conv(3, 2, 2, 3), ROW),
    "conv_transpose1d": row(
        "conv_transpose1d", lambda xp, a, w, b: xp.nn.conv_transpose1d(a, w, b, 2, 1), SIGNAL, conv(2, 3, 3), ROW
    ),
    "conv_transpose2d": row(
        "conv_transpose2d", lambda xp, a, w: xp.nn.conv_transpose2d(a, w, None, 2), IMAGE, conv(2, 3, 2, 3)
    ),
    "avg_pool1d": row("avg_pool1d", lambda xp, a: xp.nn.avg_pool1d(a * a, 2), SIGNAL),
    "avg_pool2d": row("avg_pool2d", lambda xp, a: xp.nn.avg_pool2d(a * a, 3, 1), IMAGE),
    "max_pool1d": row("max_pool1d", lambda xp, a: xp.nn.max_pool1d(a * a, 2), SIGNAL),
    "max_pool2d": row("max_pool2d", lambda xp, a: xp.nn.max_pool2d(a * a, 3, 1), IMAGE),
    "bce_with_logits": row("bce_with_logits", lambda xp, a, y: xp.nn.bce_with_logits(a, y), U, POSITIVE),
    "huber": row("huber", lambda xp, a, y: xp.nn.huber(a, y, 0.75), U, POSITIVE),
}
FURTHER = (
    row("gelu_tanh", lambda xp, a: xp.nn.gelu(a, approximate=True), U),
    row("softplus_threshold", lambda xp, a: xp.nn.softplus(4.0 * a, threshold=2.0) * a, U),
    row(
        "batch_norm_eval", lambda xp, *a: xp.nn.batch_norm(*a[:3], EPS, *a[3:]), U, ROW, ROW, ROW, Uniform((3,), 1, 0.5)
    ),
    row("conv2d_groups", lambda xp, a, w, b: xp.nn.conv2d(a, w, b, groups=2), IMAGE, conv(4, 1, 3, 3), conv(4)),
    row("einsum_attention", lambda xp, q, k: xp.nn.einsum("nhqd,nhkd->nhqk", q, k), IMAGE, IMAGE),
    row("einsum_trace", lambda xp, a: xp.nn.einsum("ncl->ln", a * a), SIGNAL),
)
CASES = (*ARRAY_API, *NN.values(), *FURTHER)


def faults(case: Case, quantity: str) -> list[str]:
    declared = load_quantities()[quantity]
    with precision(128):
        claimed = dict(declared.reference(Derivatives(case, Balls())))
    with precision(256):
        return overlap(declared.guard(Probe(case), claimed))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_rule_lies_in_the_rule_free_enclosure(case: Case) -> None:
    assert {quantity: faults(case, quantity) for quantity in QUANTITIES} == {q: [] for q in QUANTITIES}


@pytest.mark.parametrize("framework", [name for name in ("torch", "jax") if installed(name)])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_frameworks_compute_the_same_function(case: Case, framework: str, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("XCHECK_CACHE", str(tmp_path))
    problem = xcheck.problem(case, "value", framework)
    with problem.precision():
        problem.check(problem.f(problem.params, *problem.inputs))


def test_no_primitive_is_without_a_row() -> None:
    assert set(NN) == set(PRIMITIVES)
