"""Handwritten digits, a 64-32-10 tanh network and cross-entropy, at initialisation and trained: 2410 parameters.

`scripts/digits.py` makes the data and the weights, and names the source and the licence of the data (CC BY 4.0). Some
pixels are 0 in every image: the derivatives by their weights are exactly 0, and so must every result be.
"""

from dataclasses import replace

import numpy as np

from xcheck import Case, Computed, Stored
from xcheck.program import Linear, Sequential, Tanh, cross_entropy

PRODUCTS = ("value", "gradient", "jvp", "vjp", "hvp", "ggnvp", "third_derivative", "fourth_derivative")


def brightness(images: np.ndarray) -> np.ndarray:
    return images / 16


NET = Sequential(Linear(64, 32), Tanh(), Linear(32, 10))
X = Computed("images / 16", brightness, (Stored("digits.npz", "images"),))
LABELS = Stored("digits.npz", "labels")

digits_mlp = Case(
    name="digits_mlp",
    program=NET,
    params=NET.init(seed=41),
    inputs={"x": X},
    targets=LABELS,
    loss=cross_entropy(),
    quantities=PRODUCTS,
    doc="256 handwritten digits, 64-32-10 tanh network, cross-entropy, at initialisation",
)
digits_mlp_trained = Case(
    name="digits_mlp_trained",
    program=NET,
    params={name: Stored("digits_mlp_trained.npz", name) for name in NET.shapes()},
    inputs={"x": X},
    targets=LABELS,
    loss=cross_entropy(),
    quantities=PRODUCTS,
    doc="the same with trained weights, which are right on 98.7 % of the digits",
)
digits_mlp_diagonals = replace(
    digits_mlp,
    name="digits_mlp_diagonals",
    quantities=("value", "hessian_diagonal"),
    tier="full",
    doc="the Hessian's diagonal of the untrained network",
)
# Its references take minutes, so they are made on demand.
digits_mlp_trained_diagonals = replace(
    digits_mlp_trained,
    name="digits_mlp_trained_diagonals",
    quantities=("value", "hessian_diagonal", "ggn_diagonal"),
    tier="full",
    doc="the diagonals of the trained network",
)
