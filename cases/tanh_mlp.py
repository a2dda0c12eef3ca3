"""A 1-10-10-1 tanh network on a curve, at initialisation and trained: 141 parameters, 1000 points.

`scripts/train_tanh_mlp.py` makes the trained weights.
"""

from dataclasses import replace

import numpy as np

from xcheck import Case, Computed, Linspace, Normal, Stored
from xcheck.program import Linear, Sequential, Tanh, mse

QUANTITIES = (
    "value", "gradient", "jacobian_params", "jacobian_inputs", "hessian_inputs", "jvp", "vjp", "hessian_params",
    "hessian_diagonal", "hessian_blocks", "hessian_trace", "hvp", "ggn", "ggn_diagonal", "ggn_blocks", "ggnvp",
    "empirical_fisher", "empirical_fisher_diagonal", "third_derivative", "fourth_derivative",
)  # fmt: skip


def curve(x: np.ndarray) -> np.ndarray:
    return 2 * x + 3 + 3 * np.sin(x) * np.sqrt(np.abs(x)) + np.cos(x + 3)


NET = Sequential(Linear(1, 10), Tanh(), Linear(10, 10), Tanh(), Linear(10, 1))
X = Linspace(-10, 10, (1000, 1))
Y = Computed("2 x + 3 + 3 sin(x) sqrt|x| + cos(x + 3)", curve, (X,))

tanh_mlp = Case(
    name="tanh_mlp",
    program=NET,
    params=NET.init(seed=1),
    inputs={"x": X},
    targets=Y,
    loss=mse(),
    quantities=QUANTITIES,
    doc="1-10-10-1 tanh network, MSE, 1000 points, at initialisation",
)
tanh_mlp_trained = Case(
    name="tanh_mlp_trained",
    program=NET,
    params={name: Stored("tanh_mlp_trained.npz", name) for name in NET.shapes()},
    inputs={"x": X},
    targets=Y,
    loss=mse(),
    quantities=QUANTITIES,
    doc="the same after 1000 steps of gradient descent",
)


def along(name, tangent, doc):
    """The trained network's products with another vector than the one that xcheck draws."""
    return replace(
        tanh_mlp_trained,
        name=f"tanh_mlp_along_{name}",
        tangents={"params": tangent},
        quantities=("value", "jvp", "hvp", "ggnvp", "third_derivative"),
        tier="full",
        doc=doc,
    )


vectors = (
    along("last_bias", Computed("unit vector 140 of 141", lambda: np.eye(1, 141, 140)[0]), "v = the last bias alone"),
    along("small", Normal((141,), seed=61, scale=2.0**-20), "v of size 2^-20: an absolute tolerance passes H v = 0"),
)
