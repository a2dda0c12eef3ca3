"""A recurrent cell unrolled over four positions: every weight acts several times."""

from xcheck import Case, Integers, Normal
from xcheck.program import Linear, Recurrent, Sequential, cross_entropy

NET = Sequential(Recurrent(2, 4), Linear(4, 3))

recurrent = Case(
    name="recurrent",
    program=NET,
    params=NET.init(seed=111),
    inputs={"x": Normal((6, 4, 2), seed=112)},
    targets=Integers((6,), seed=113, low=0, high=3),
    loss=cross_entropy(),
    quantities=(
        "value", "gradient", "per_example_gradients", "jacobian_params", "jacobian_inputs", "jvp", "vjp",
        "hessian_params", "hessian_diagonal", "hvp", "ggn", "ggn_diagonal", "ggnvp", "empirical_fisher",
    ),
    tier="full",
    doc="a tanh cell of 4 units unrolled over 4 positions",
)  # fmt: skip
