"""Parameters in another order than the forward pass: the head's come before the body's.

So it is when a module makes its head first, or an optimizer has a group for the head and one for the body. A library
that takes the parameters as it meets them in the forward pass has the blocks of `theta` in the wrong places.
"""

from xcheck import Case, Normal
from xcheck.program import HeadFirst, Linear, Sequential, Tanh, mse

N, D, SEED = 7, 3, 131
HEAD_FIRST = HeadFirst(body=Sequential(Linear(D, 4), Tanh()), head=Linear(4, 2))

head_first = Case(
    name="head_first",
    program=HEAD_FIRST,
    params=HEAD_FIRST.init(SEED),
    inputs={"x": Normal((N, D), seed=132)},
    targets=Normal((N, 2), seed=133),
    loss=mse(),
    quantities=(
        "value", "gradient", "per_example_gradients", "jacobian_params", "jvp", "vjp", "hessian_params",
        "hessian_diagonal", "hvp", "ggn", "ggn_diagonal", "ggnvp", "empirical_fisher", "empirical_fisher_diagonal",
    ),
    tier="full",
    doc="a regression whose head comes before its body among the parameters, and after it in the forward pass",
)  # fmt: skip
