"""A confident classifier: the first class leads by 10 to 16 logits in every example, and is right in some of them.

What is left of the other probabilities is e^-10 and less, and so is the curvature: an epsilon that is added to it, or
`1 - p` in float32, is seen here.
"""

from xcheck import Case, Integers, Literal, Normal
from xcheck.program import Linear, Sequential, Tanh, cross_entropy

N, C = 6, 3
NET = Sequential(Linear(3, 5), Tanh(), Linear(5, C))

large_logits = Case(
    name="large_logits",
    program=NET,
    params={**NET.init(seed=141), "2.weight": Normal((C, 5), seed=142), "2.bias": Literal((11.0, 0.0, -2.0))},
    inputs={"x": Normal((N, 3), seed=143)},
    targets=Integers((N,), seed=144, low=0, high=C),
    loss=cross_entropy(),
    quantities=(
        "value", "gradient", "per_example_gradients", "jacobian_params", "jvp", "vjp", "hessian_params",
        "hessian_diagonal", "hvp", "ggn", "ggn_diagonal", "ggnvp", "empirical_fisher",
    ),
    tier="full",
    doc="a confident classifier: one logit far above the others, right and wrong",
)  # fmt: skip
