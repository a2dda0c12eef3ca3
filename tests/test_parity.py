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
        (lambda x: jax.lax.stop_gradient(x) * x, "stop_gradient: what is differentiated"),
        (lambda x: jnp.cumsum(x), "the JAX primitive cumsum has no rule"),
        (lambda x: 2.0**x, "pow with an exponent"),
    ],
)
def test_an_operation_without_a_rule_says_its_name(function: Any, said: str):
    xp = Namespace(MonteCarlo(noise=0.0))
    with pytest.raises(UnknownPrimitive, match=said):
        recorded(function, [X[0]])(xp, xp.asarray(X[0]))
    (result, *_) = xcheck.parity(torch.sin, function, [X[0]], quantities=["value"], dtypes=["float64"])
    assert result.outcome == "no_reference"


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
