"""parity: a port that is right agrees everywhere; each usual mistake of porting is seen, and where."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

import xcheck
from xcheck._errors import UnknownPrimitive, UsageError
from xcheck._parity.jaxpr import recorded
from xcheck.cli import main
from xcheck.exact.monte_carlo import MonteCarlo
from xcheck.exact.namespace import Namespace

X = np.random.default_rng(0).standard_normal((4, 3))
LABELS = [0, 2, 1, 1]


def outcomes(torch_fn: Any, jax_fn: Any, *arrays: Any, **options: Any) -> dict[tuple[str, str], set[str]]:
    """Framework and quantity to the outcomes of all ways."""
    found: dict[tuple[str, str], set[str]] = {}
    for result in xcheck.parity(torch_fn, jax_fn, arrays, **options):
        found.setdefault((result.framework, result.quantity), set()).add(str(result.outcome))
    return found


def test_a_right_port_agrees_in_value_and_derivatives():
    def in_torch(x: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.cross_entropy(x.tanh(), torch.tensor(LABELS))

    def in_jax(x: jax.Array) -> jax.Array:
        return -jnp.mean(jax.nn.log_softmax(jnp.tanh(x))[jnp.arange(4), jnp.array(LABELS)])

    found = outcomes(in_torch, in_jax, X)
    assert len(found) == 6
    assert set.union(*found.values()) == {"agrees"}


def test_the_two_gelus_are_two_functions():
    found = outcomes(torch.nn.functional.gelu, jax.nn.gelu, X[0])
    assert all(("disagrees" in one) == (framework == "torch") for (framework, _), one in found.items())


def test_a_wrong_derivative_rule_of_a_right_value_is_seen():
    @jax.custom_jvp
    def sine(x: jax.Array) -> jax.Array:
        return jnp.sin(x)

    sine.defjvp(lambda primals, tangents: (jnp.sin(primals[0]), tangents[0] * jnp.cos(primals[0]) * (1 + 1e-9)))
    found = outcomes(torch.sin, sine, X[0], dtypes=("float64",))
    assert found["jax", "value"] == {"agrees"}
    assert found["jax", "jacobian_inputs"] == found["jax", "hessian_inputs"] == {"disagrees"}
    assert found["torch", "hessian_inputs"] == {"agrees"}


def test_arguments_are_named_by_position():
    found = xcheck.parity(lambda a, b: a @ b, lambda a, b: a @ b, [X, X[:, 0][:3]], wrt=(0, 1), quantities=["jacobian"])
    assert found.ok
    assert {result.quantity for result in found} == {"jacobian_inputs"}
    with pytest.raises(UsageError, match="argument 2, but there are 1"):
        xcheck.parity(torch.sin, jnp.sin, [1.0], wrt=2)
    with pytest.raises(UsageError, match="unknown quantity 'hesian'; did you mean 'hessian'"):
        xcheck.parity(torch.sin, jnp.sin, [1.0], quantities=["hesian"])


FUNCTIONS = {
    "moves": lambda x: jnp.concatenate([x[::-1, 1:], x[jnp.array([2, 0]), :2]]).T.reshape(-1)[:5],
    "where": lambda x: jnp.where((x > 0) & ~(x >= 1.5), x**3, -x / (1 + x * x)).sum(0),
    "softmax": lambda x: jax.nn.softmax(x, axis=0) + jax.scipy.special.logsumexp(x, axis=1)[:, None],
    "contraction": lambda x: jnp.einsum("ij,kj->ik", x, x) @ jnp.ones((4, 2)),
    "activations": lambda x: jax.nn.gelu(x) + jax.nn.silu(x) + jax.nn.relu(x) + jax.lax.rsqrt(1 + x**2) + jnp.abs(x),
    "reductions": lambda x: jnp.var(x, axis=0) + jnp.max(x) + x.mean() + jnp.expm1(x[0]) * jnp.log1p(x[1] ** 2),
    "powers": lambda x: (1 + x**2) ** 1.5 + jnp.sqrt(2.0 + jnp.sin(x)) * jax.lax.erf(x),
    "split": lambda x: sum(jnp.split(x, 2)) * jnp.minimum(x[:2], x[2:]),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_recorded_program_is_the_function(name: str):
    """The recorded operations are the reference; by the judge's threshold JAX's own run of the function agrees."""
    found = outcomes(lambda x: 2 * x, FUNCTIONS[name], X, quantities=["value"], dtypes=["float64"])
    assert found["jax", "value"] == {"agrees"}
    assert "agrees" not in found["torch", "value"]


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda x: jnp.cumsum(x), r"the JAX primitive cumsum \(.*test_parity.py:\d+.*\) has no rule"),
        (lambda x: 2.0**x, "pow with an exponent"),
        (lambda x: jax.lax.fori_loop(0, 4, lambda i, c: 0.5 * c + x, x), "the JAX primitive scan"),
        (lambda x: jax.lax.while_loop(lambda c: c.sum() < 9, lambda c: c + x * x, x), "the JAX primitive while"),
        (lambda x: jax.lax.scan(lambda c, y: (c + y, c), 0.0, x)[1], "the JAX primitive scan"),
        (lambda x: jax.lax.map(jnp.sin, x), "the JAX primitive scan"),
        (lambda x: jax.lax.cond(x[0] > 0, jnp.sin, jnp.cos, x), "the JAX primitive cond"),
        (lambda x: jax.lax.reduce(x, 1.0, lambda a, b: a * b + a, (0,)), "the JAX primitive reduce "),
        (lambda x: jax.lax.complex(x, x).real, "computes complex numbers"),
        (lambda x: x.astype(int) * 1.5, "makes integers of real numbers"),
    ],
)
def test_an_operation_without_a_rule_says_its_name(function: Any, said: str):
    xp = Namespace(MonteCarlo(noise=0.0))
    with pytest.raises(UnknownPrimitive, match=said):
        recorded(function, [X[0]])[0](xp, xp.asarray(X[0]))
    found = xcheck.parity(torch.sin, function, [X[0]], quantities=["value"], dtypes=["float64"])
    assert {str(one.outcome) for one in found} <= {"no_reference", "wrong_shape"}
    assert not found.ok


def test_calls_are_entered_whatever_they_are_called():
    @jax.custom_vjp
    def sine(x: jax.Array) -> jax.Array:
        return jnp.sin(x)

    sine.defvjp(lambda x: (jnp.sin(x), x), lambda x, slope: (slope * jnp.cos(x),))
    for call in (jax.jit(jnp.sin), jax.checkpoint(jnp.sin), sine, jax.named_call(jnp.sin, name="called")):
        found = outcomes(torch.sin, call, X[0], quantities=["value"], dtypes=["float64"])
        assert set.union(*found.values()) == {"agrees"}


def test_the_sign_of_zero_is_zero():
    x = [-2.0, 0.0, 0.5]
    found = outcomes(torch.sign, jnp.sign, x, quantities=["value"], dtypes=["float64"])
    assert set.union(*found.values()) == {"agrees"}


def test_a_value_held_constant_is_judged_and_its_derivative_is_not():
    def held(x: torch.Tensor) -> torch.Tensor:
        return x.detach() ** 2 * x

    found = outcomes(held, lambda x: jax.lax.stop_gradient(x) ** 2 * x, X[0], dtypes=["float64"])
    assert found["torch", "value"] == found["jax", "value"] == {"agrees"}
    assert set.union(*(one for (_, asked), one in found.items() if asked != "value")) == {"no_reference"}


def test_forward_over_forward_is_asked_too():
    """A function that saves its input for both directions has no second derivative there (pytorch#197867)."""

    class Square(torch.autograd.Function):
        generate_vmap_rule = True

        @staticmethod
        def forward(x: torch.Tensor) -> torch.Tensor:
            return x**2

        @staticmethod
        def setup_context(ctx: Any, inputs: tuple[torch.Tensor], output: torch.Tensor) -> None:
            ctx.save_for_backward(*inputs)
            ctx.save_for_forward(*inputs)

        @staticmethod
        def backward(ctx: Any, slope: torch.Tensor) -> torch.Tensor:
            return 2 * ctx.saved_tensors[0] * slope

        @staticmethod
        def jvp(ctx: Any, tangent: torch.Tensor) -> torch.Tensor:
            return 2 * ctx.saved_tensors[0] * tangent

    found = {
        one.implementation: str(one.outcome)
        for one in xcheck.parity(
            lambda x: Square.apply(Square.apply(x)).sum(), lambda x: (x**4).sum(), [[3.0]], quantities=["hessian"],
            dtypes=["float64"],
        )
    }  # fmt: skip
    assert found["torch_forward_over_forward"] == "disagrees"
    assert found["torch_reverse_over_reverse"] == "agrees"


def test_outputs_in_dicts_and_tuples_are_judged_by_their_paths():
    found = outcomes(lambda x: (x.sin(), {"b": x.sum()}), lambda x: (jnp.sin(x), {"b": x.sum()}), X, dtypes=["float64"])
    assert set.union(*found.values()) == {"agrees"}
    swapped = outcomes(lambda x: {"a": x, "b": x.sin()}, lambda x: {"b": jnp.sin(x), "a": x}, X, dtypes=["float64"])
    assert set.union(*swapped.values()) == {"agrees"}


@pytest.mark.parametrize(
    ("function", "outcome", "said"),
    [
        (lambda x: x.T, "wrong_shape", "the array has shape (3, 4), and that of the other program (4, 3)"),
        (lambda x: x.reshape(-1), "wrong_shape", "has shape (12,)"),
        (lambda x: {"out": x}, "wrong_shape", "torch_fn returns 'out', and the other program one array"),
        (lambda x: (x, x), "wrong_shape", "torch_fn returns '0', '1', and the other program one array"),
        (lambda x: {}, "wrong_shape", "torch_fn returns nothing"),
        (lambda x: None, "wrong_dtype", "the array is a NoneType, expected an array"),
        (lambda x: 3, "wrong_dtype", "the array is a int, expected an array"),
        (lambda x: 1 / 0, "raised", "ZeroDivisionError"),
        (lambda x: exit(3), "raised", "SystemExit: 3"),
    ],
)
def test_a_program_of_another_form_says_so_in_each_of_its_cells(function: Any, outcome: str, said: str):
    found = list(xcheck.parity(function, lambda x: x, [X], quantities=["value"], dtypes=["float64"]))
    in_torch = [one for one in found if one.framework == "torch"]
    assert {str(one.outcome) for one in in_torch} == {outcome}
    assert all(said in (one.reason or "") for one in in_torch)
    assert {str(one.outcome) for one in found if one.framework == "jax"} == {"agrees"}


def test_a_program_that_changes_its_argument_says_so():
    found = outcomes(lambda x: x.mul_(2), lambda x: 2 * x, X, quantities=["value"], dtypes=["float64"])
    assert "mutated_input" in found["torch", "value"]
    assert "agrees" not in found["torch", "value"]


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (X, "args is a ndarray; expected a list"),
        ("text", "args is a str"),
        ([[[1.0], [2.0, 3.0]]], "argument 0 is a list that is no array"),
        ([X, "text"], "argument 1 is a str of <U4"),
        ([None], "argument 0 is None"),
        ([{"w": X}], "argument 0 is a dict"),
        ([X + 1j], "argument 0 is a ndarray of complex128"),
        ([[1.0, np.nan]], r"argument 0 is nan at \[1\]"),
        ([np.zeros((0, 3))], r"argument 0 has shape \(0, 3\), without an entry"),
        ([torch.eye(2).to_sparse()], "argument 0 is a Tensor that is no array"),
        ([torch.ones(2, device="meta")], "argument 0 is a Tensor that is no array"),
        ([object()], "argument 0 is a object of object"),
        ([[1, 2]], "argument 0 holds int64, and derivatives are by real numbers"),
    ],
)
def test_an_argument_that_is_no_array_of_numbers_is_one_line(args: Any, said: str):
    with pytest.raises(UsageError, match=said):
        xcheck.parity(torch.sin, jnp.sin, args)


@pytest.mark.parametrize(
    "array", [torch.tensor(X, requires_grad=True), torch.tensor(X, dtype=torch.bfloat16), jnp.array(X, jnp.bfloat16)]
)
def test_arrays_of_the_frameworks_are_arguments(array: Any):
    assert xcheck.parity(torch.sin, jnp.sin, [array], quantities=["value"], dtypes=["float64"]).ok


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda x: None, "jax_fn returns None as the array"),
        (lambda x: (x, 3), "jax_fn returns of dtype int"),
        (lambda x: x > 0, "jax_fn returns of dtype bool"),
        (lambda x: 1 / 0, "jax_fn cannot be recorded: ZeroDivisionError"),
        (lambda x: exit(3), "jax_fn cannot be recorded: it ends the process"),
        (lambda x: x if x[0] > 0 else -x, "jax_fn cannot be recorded: TracerBoolConversionError"),
        (lambda x: {}, "jax_fn returns nothing"),
        ("jnp.sin", "jax_fn is a str; expected a function"),
    ],
)
def test_a_jax_program_that_cannot_be_recorded_is_one_line(function: Any, said: str):
    with pytest.raises(UsageError, match=said):
        xcheck.parity(torch.sin, function, [X[0]])


@pytest.mark.parametrize("wrt", [True, "0", 0.0, (), (0, 0), -1, None])
def test_a_position_that_is_none_is_one_line(wrt: Any):
    with pytest.raises(UsageError, match="wrt"):
        xcheck.parity(torch.sin, jnp.sin, [X], wrt=wrt)


def test_nothing_judged_is_not_success():
    found = xcheck.parity(lambda x: torch.relu(x).sqrt(), lambda x: jnp.sqrt(jax.nn.relu(x)), [[-1.0]])
    assert not found.ok
    assert found.exit_code == 1


def test_the_command_judges_two_functions_of_a_module(tmp_path, monkeypatch, capsys):
    ported = ModuleType("ported_for_test")
    ported.__dict__.update(theirs=lambda x: x.sin(), ours=jnp.sin, wrong=jnp.cos)
    monkeypatch.setitem(__import__("sys").modules, "ported_for_test", ported)
    np.savez(tmp_path / "args.npz", x=X[0])
    line = ["--quantity", "value", "--dtype", "float64", str(tmp_path / "args.npz")]
    assert main(["parity", "ported_for_test:theirs", "ported_for_test:ours", *line]) == 0
    assert main(["parity", "ported_for_test:theirs", "ported_for_test:wrong", *line]) == 1
    assert main(["parity", "ported_for_test:absent", "ported_for_test:ours", *line]) == 2
    assert main(["parity", "ported_for_test:theirs", "ported_for_test:ours", str(tmp_path / "absent.npz")]) == 2
    assert "expected MODULE:FUNCTION" in capsys.readouterr().err
