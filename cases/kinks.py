"""Programs exactly on their kinks, where the derivative is each framework's convention and no theorem.

A unit of the network has no weights at all, and one example is 0, so several pre-activations are exactly 0, without a
rounding error. The derivative of relu at 0 is 0 in PyTorch and in JAX; that of abs at 0 is 0 in PyTorch and 1 in JAX.
"""

from xcheck import Case, Literal
from xcheck.program import Linear, ReLU, Sequential, mse

X = Literal(((1.0, 1.5), (1.0, -1.0), (0.0, 0.0), (1.5, 0.25), (1.25, 1.0), (0.75, 0.5)))
NET = Sequential(Linear(2, 3), ReLU(), Linear(3, 2))


def absolute(xp, params, inputs):
    return xp.abs(xp.matmul(inputs["x"], params["weight"]))


relu_at_kinks = Case(
    name="relu_at_kinks",
    program=NET,
    params={
        "0.weight": Literal(((1.0, -1.0), (0.0, 0.0), (2.0, -1.0))),
        "0.bias": Literal((0.0, 0.0, 1.0)),
        "2.weight": Literal(((1.0, -2.0, 3.0), (2.0, 1.0, -1.0))),
        "2.bias": Literal((1.0, -1.0)),
    },
    inputs={"x": X},
    targets=Literal(((0.0, 1.0), (2.0, 0.0), (-1.0, 1.0), (1.0, 3.0), (0.5, -2.0), (0.25, 1.5))),
    loss=mse("sum"),
    quantities=(
        "value", "gradient", "per_example_gradients", "jacobian_params", "jacobian_inputs", "hessian_params", "hvp",
        "ggn", "ggn_diagonal",
    ),
    kinks=True,
    doc="a ReLU network with pre-activations of exactly 0",
)  # fmt: skip
abs_at_kinks = Case(
    name="abs_at_kinks",
    program=absolute,
    params={"weight": Literal(((0.0, 1.0), (0.0, -0.75)))},
    inputs={"x": X},
    quantities=("value", "jacobian_params", "jacobian_inputs"),
    kinks=True,
    doc="absolute values of numbers that are exactly 0",
)
