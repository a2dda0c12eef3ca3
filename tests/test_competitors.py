"""The tolerances in the zoo are those of the installed versions, and a result passes theirs as it passes ours."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from zoo.competitors import COMPETITORS

BY_NAME = {competitor.name: competitor for competitor in COMPETITORS}
DTYPES = ("float64", "float32")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["torch.testing.assert_close", "np.testing.assert_allclose"])
@pytest.mark.parametrize("part", [0.9, 1.1])
def test_the_verdict_is_that_of_the_function_itself(name, dtype, part):
    """Just inside and just outside of the tolerance, on entries of 0, 1 and 1000."""
    torch = pytest.importorskip("torch")
    relative, absolute = BY_NAME[name].tolerances[dtype]
    right = np.array([0.0, 1.0, 1000.0], dtype)
    actual = (right + part * (absolute + relative * np.abs(right.astype("float64")))).astype(dtype)
    try:
        if name.startswith("torch"):
            torch.testing.assert_close(torch.tensor(actual), torch.tensor(right))
        else:
            np.testing.assert_allclose(actual, right)
        passed = True
    except AssertionError:
        passed = False
    assert BY_NAME[name].passes({"": actual}, {"": right.astype("float64")}, dtype) is passed


def test_gradcheck_has_these_defaults():
    torch = pytest.importorskip("torch")
    defaults = inspect.signature(torch.autograd.gradcheck).parameters
    assert (defaults["rtol"].default, defaults["atol"].default) == BY_NAME["torch.autograd.gradcheck"].tolerances[
        "float64"
    ]


def test_check_grads_has_these_defaults():
    util = pytest.importorskip("jax._src.public_test_util")
    for dtype in DTYPES:
        tolerance = util.default_gradient_tolerance[np.dtype(dtype)]
        assert BY_NAME["jax.test_util.check_grads"].tolerances[dtype] == (tolerance, tolerance)


def test_chex_has_these_defaults():
    chex = pytest.importorskip("chex")
    defaults = inspect.signature(chex.assert_trees_all_close).parameters
    assert (defaults["rtol"].default, defaults["atol"].default) == BY_NAME["chex.assert_trees_all_close"].tolerances[
        "float64"
    ]
