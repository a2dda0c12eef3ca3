"""The last layer of a network with squared loss has a Hessian by hand; the certified reference has it too.

With h the last hidden layer and loss 1/N sum (w h + b - y)^2: `H_ww = 2/N h^T h`, `H_wb = 2 mean h`, `H_bb = 2`.
"""

from __future__ import annotations

import numpy as np
import pytest

import xcheck
from xcheck._dtypes import UNIT
from xcheck._judge import LIMIT


def last_hidden_layer(case: xcheck.Case) -> np.ndarray:
    """h (n, 10) in 80-bit floats."""
    values = case.values()
    W, b, V, c = (np.asarray(values.params[name], np.longdouble) for name in list(values.params)[:4])
    return np.tanh(np.tanh(np.asarray(values.inputs["x"], np.longdouble) @ W.T + b) @ V.T + c)


def ratio(case: xcheck.Case, by_hand: np.ndarray) -> float:
    """The distance of the reference's last 11 x 11 block from the closed form, in units of rounding."""
    leaf = xcheck.reference(case, "hessian_params").leaves[""]
    block = (slice(-11, None), slice(-11, None))
    return float(np.max(np.abs(leaf.value[block] - by_hand) / (UNIT["float64"] * leaf.scale[block])))


@pytest.mark.parametrize("name", ["tanh_mlp", "tanh_mlp_trained"])
def test_the_hessian_of_the_last_layer_is_the_one_by_hand(name: str) -> None:
    case = xcheck.load_cases()[name]
    h = np.concatenate([last_hidden_layer(case), np.ones((case.n, 1))], axis=1)
    assert ratio(case, 2 / np.longdouble(case.n) * h.T @ h) <= LIMIT
    assert ratio(case, 1 / np.longdouble(case.n) * h.T @ h) > LIMIT, "MSE without its 2 would pass"
