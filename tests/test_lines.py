"""The adjoint identity and aux, each shown to fail on a planted fault, and in what `xcheck explain` prints."""

from __future__ import annotations

import numpy as np
import pytest

import xcheck
from xcheck import _checks
from xcheck._execute import execute
from xcheck._problem import problem
from xcheck._reference import Leaf
from xcheck._tree import leaves, tree
from xcheck.quantities import load_quantities
from xcheck.quantity import implementations
from xcheck.report.explain import explanation
from xcheck.run.lines import lines
from xcheck.run.plan import parse_id
from xcheck.run.settings import Settings
from xcheck.run.work import work

#: One with trees of outputs and arguments, one with bare arrays and parameters.
CASES = {"jvp": ("td_error_states_actions", "linear_gaussian_3_2"), "jacobian_aux": ("td_error_aux",)}
CASES["vjp"] = CASES["jvp"]


def computed(quantity, implementation, dtype, which=0):
    """The problem, who computes it, and the native result as leaves."""
    load_quantities()
    declared = implementations(quantity)[implementation]
    asked = problem(CASES[quantity][which], quantity, declared.framework, dtype=dtype)
    return asked, declared, leaves(execute(asked, declared).result)


def said(asked, declared, native):
    with asked.precision():
        return lines(tree(native), asked, declared)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("implementation", ["torch_jvp", "torch_dual_numbers", "torch_linearize", "jax_jvp_jit"])
def test_products_are_adjoint(implementation, dtype, which):
    asked, declared, native = computed("jvp", implementation, dtype, which)
    assert said(asked, declared, native) == {"adjoint": "ok"}


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(
    ("quantity", "implementation"), [("jvp", "torch_jvp"), ("vjp", "torch_vjp"), ("vjp", "jax_vjp_jit")]
)
def test_a_product_that_is_off_is_not_adjoint(quantity, implementation, dtype, which):
    asked, declared, native = computed(quantity, implementation, dtype, which)
    with asked.precision():
        wrong = {path: 1.125 * array for path, array in native.items()}
    assert "|w.Jv - v.J^T w| is" in said(asked, declared, wrong)["adjoint"]


def test_the_bound_is_32_units_of_both_scales():
    zero, one = np.zeros(1), np.ones(1)
    leaf = Leaf(one, zero, zero, one)
    u = 2.0**-24
    for off, expected in ((63 * u, "ok"), (68 * u, "not adjoint: |w.Jv - v.J^T w| is 34 u")):
        assert _checks.adjoint([(one, one + off, leaf)], [(one, one, leaf)], "float32").startswith(expected)


def test_without_scale_only_equality_is_adjoint():
    zero, one = np.zeros(1), np.ones(1)
    leaf = Leaf(zero, zero, zero, zero)
    assert _checks.adjoint([(one, zero, leaf)], [(one, zero, leaf)], "float32") == "ok"
    assert "inf u" in _checks.adjoint([(one, one, leaf)], [(one, zero, leaf)], "float32")


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("implementation", ["torch_vmap_jacrev", "torch_jacrev", "jax_vmap_jacrev_jit"])
def test_aux_is_the_programs_own(implementation, dtype):
    asked, declared, native = computed("jacobian_aux", implementation, dtype)
    assert said(asked, declared, native) == {"aux": "ok"}


def last_bit(array):
    return np.nextafter(np.asarray(array), np.float32(np.inf), dtype=np.float32)


def test_eager_aux_must_have_every_bit_and_compiled_aux_is_judged():
    for implementation, expected in (
        ("torch_vmap_jacrev", "is not bitwise the program's own value"),
        ("jax_vmap_jacrev_jit", "ok"),
    ):
        asked, declared, native = computed("jacobian_aux", implementation, "float32")
        path = next(path for path in native if path.startswith("aux/"))
        assert expected in said(asked, declared, native | {path: last_bit(native[path])})["aux"]


def test_stale_aux_is_not_the_programs_own():
    for implementation in ("torch_vmap_jacrev", "jax_vmap_jacrev_jit"):
        asked, declared, native = computed("jacobian_aux", implementation, "float32")
        path = next(path for path in native if path.startswith("aux/"))
        stale = native | {path: np.roll(np.asarray(native[path]), 1, axis=0)}
        assert said(asked, declared, stale)["aux"].startswith(f"{path} is not ")


@pytest.mark.parametrize(
    ("quantity", "implementation", "line"),
    [("jacobian_aux", "torch_vmap_jacrev", "aux ok"), ("jvp", "torch_jvp", "adjoint ok")],
)
def test_explain_shows_the_line(quantity, implementation, line):
    name = CASES[quantity][0]
    result = work((parse_id(f"{name}/{quantity}/{implementation}/float32/cpu"), Settings()))
    assert line.split()[0] in result.checks
    assert line in explanation(result, xcheck.load_cases()[name], load_quantities()[quantity])
