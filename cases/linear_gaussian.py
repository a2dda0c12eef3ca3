"""A linear model with a Gaussian likelihood: its GGN is its Hessian, and both have a closed form.

With `X1 = [x, 1]`, `G = H = Pi (I_c (x) X1^T X1) Pi^T / noise_var`, where Pi takes each output's (weights, bias) to all
weights, then all biases. Kunstner, Balles and Hennig (2019, "Limitations of the empirical Fisher approximation") divide
by N as well.
"""

import numpy as np

from xcheck import Case, Computed, LogNormal, Normal, implements
from xcheck.program import Linear, gaussian_nll

QUANTITIES = (
    "value", "gradient", "per_example_gradients", "jacobian_params", "jacobian_inputs", "jvp", "vjp", "hessian_params",
    "hessian_diagonal", "hessian_blocks", "hessian_trace", "hvp", "ggn", "ggn_diagonal", "ggn_blocks", "ggnvp",
    "ggn_diagonal_backprop", "kfac_factors", "empirical_fisher", "empirical_fisher_diagonal",
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
    doc="data that float32 cannot hold",
)


def closed_form(quantity):
    def register(function):
        implements(quantity, "closed_form_linear", "torch", cases="linear_gaussian*")(function)
        implements(quantity, "closed_form_linear", "jax", variants=("jit",), cases="linear_gaussian*")(function)
        return implements(quantity, "closed_form_linear", "jax", tier="full", cases="linear_gaussian*")(function)

    return register


def gram(problem):
    """`X1^T X1 / noise_var`, (d + 1, d + 1)."""
    (x,), xp = problem.inputs, problem.xp
    X1 = xp.concat([x, xp.ones_like(x[:, :1])], axis=1)
    return xp.matmul(X1.T, X1) / problem.case.loss.noise_var


@closed_form("gradient")
def gradient(problem):
    """`Pi vec((f - y)^T X1) / noise_var`."""
    (x,), xp = problem.inputs, problem.xp
    error = problem.f(problem.params, x) - problem.targets
    slope = xp.concat([xp.reshape(xp.matmul(error.T, x), (-1,)), xp.sum(error, axis=0)])
    return slope / problem.case.loss.noise_var


@closed_form("jacobian_params")
def jacobian_params(problem):
    """`d f_c / d W_ki = delta_ck x_i`, `d f_c / d b_k = delta_ck`."""
    (x,), xp = problem.inputs, problem.xp
    n, d = x.shape
    unit = problem.identity(problem.params["bias"].shape[0])
    c = unit.shape[0]
    weight = xp.reshape(unit[None, :, :, None] * x[:, None, None, :], (n, c, c * d))
    return xp.concat([weight, xp.broadcast_to(unit, (n, c, c))], axis=-1)


@closed_form("jacobian_inputs")
def jacobian_inputs(problem):
    """`W` for every example."""
    W = problem.params["weight"]
    return problem.xp.broadcast_to(W, (problem.case.n, *W.shape))


@closed_form("hessian_params")
@closed_form("ggn")
def hessian(problem):
    """`Pi (I_c (x) X1^T X1) Pi^T / noise_var`."""
    xp, S = problem.xp, gram(problem)
    unit = problem.identity(problem.params["bias"].shape[0])
    mixed = xp.kron(unit, S[:-1, -1:])
    upper = xp.concat([xp.kron(unit, S[:-1, :-1]), mixed], axis=1)
    lower = xp.concat([mixed.T, unit * S[-1, -1]], axis=1)
    return xp.concat([upper, lower], axis=0)


@closed_form("hessian_diagonal")
@closed_form("ggn_diagonal")
def diagonal(problem):
    """`sum_n x_ni^2 / noise_var` for each output's weights, `n / noise_var` for each bias."""
    xp, S = problem.xp, gram(problem)
    entries, c = xp.linalg.diagonal(S), problem.params["bias"].shape[0]
    return xp.concat([xp.tile(entries[:-1], (c,)), xp.tile(entries[-1:], (c,))])


@closed_form("hvp")
def hvp(problem):
    """`Pi vec(V1 X1^T X1) / noise_var`, where row c of V1 is the tangent of output c's weights and bias."""
    xp, S = problem.xp, gram(problem)
    V = problem.unflatten(problem.tangents["params"])
    V1 = xp.concat([V["weight"], V["bias"][:, None]], axis=1)
    product = xp.matmul(V1, S)
    return xp.concat([xp.reshape(product[:, :-1], (-1,)), product[:, -1]])
