"""A linear model with a Gaussian likelihood: its GGN is its Hessian, and both have a closed form.

With `X1 = [x, 1]`, `G = H = Pi (I_c (x) X1^T X1) Pi^T / noise_var`, where Pi takes each output's (weights, bias) to all
weights, then all biases. Kunstner, Balles and Hennig (2019, "Limitations of the empirical Fisher approximation") divide
by N as well.
"""

import numpy as np

from xcheck import Case, Computed, LogNormal, Normal
from xcheck.program import Linear, gaussian_nll

QUANTITIES = (
    "value", "gradient", "jacobian_params", "jacobian_inputs", "hessian_params", "hessian_diagonal", "hvp", "ggn",
    "ggn_diagonal",
)  # fmt: skip
N = 1000


def line(x: np.ndarray, noise: np.ndarray) -> np.ndarray:
    return 2 * x + 2 + noise


def plane(x: np.ndarray, noise: np.ndarray) -> np.ndarray:
    return x @ np.array([[2.0, -1.0], [0.5, 1.0], [-1.5, 3.0]]) + 2 + noise


X = LogNormal((N, 1), seed=1, sigma=0.75)
Y = Computed("2 x + 2 + noise", line, (X, Normal((N, 1), seed=2)))
X3 = LogNormal((N, 3), seed=3, sigma=0.75)
Y2 = Computed("x [[2, -1], [1/2, 1], [-3/2, 3]] + 2 + noise", plane, (X3, Normal((N, 2), seed=4)))
# float32 cannot hold these: a silent cast to float32 shows here and nowhere else.
X64 = LogNormal((N, 1), seed=1, sigma=0.75, dtype="float64")
Y64 = Computed("2 x + 2 + noise", line, (X64, Normal((N, 1), seed=2, dtype="float64")), dtype="float64")

linear_gaussian = Case(
    name="linear_gaussian",
    program=Linear(1, 1),
    params=Linear(1, 1).init(seed=1),
    inputs={"x": X},
    targets=Y,
    loss=gaussian_nll(1.0),
    quantities=QUANTITIES,
    tier="smoke",
    doc="w x + b, Gaussian likelihood, noise_var 1, N = 1000",
)
linear_gaussian_quarter = Case(
    name="linear_gaussian_quarter",
    program=Linear(1, 1),
    params=Linear(1, 1).init(seed=1),
    inputs={"x": X},
    targets=Y,
    loss=gaussian_nll(0.25),
    quantities=QUANTITIES,
    tier="smoke",
    doc="the same with noise_var 1/4: variance and standard deviation differ",
)
linear_gaussian_3_2 = Case(
    name="linear_gaussian_3_2",
    program=Linear(3, 2),
    params=Linear(3, 2).init(seed=2),
    inputs={"x": X3},
    targets=Y2,
    loss=gaussian_nll(0.25),
    quantities=QUANTITIES,
    tier="smoke",
    doc="3 inputs, 2 outputs, noise_var 1/4",
)
linear_gaussian_float64 = Case(
    name="linear_gaussian_float64",
    program=Linear(1, 1),
    params=Linear(1, 1).init(seed=1),
    inputs={"x": X64},
    targets=Y64,
    loss=gaussian_nll(0.25),
    quantities=QUANTITIES,
    tier="smoke",
    doc="data that float32 cannot hold",
)
