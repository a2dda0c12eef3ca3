"""A 64-256-256-10 tanh network with 85,002 parameters: too large for dense matrices, so products and rows of them.

The rows are products with a unit vector: one in each layer's weight, drawn once with a seed.
"""

import numpy as np

from xcheck import Case, Computed, Integers, Normal
from xcheck.program import Linear, Sequential, Tanh, cross_entropy

N, D, H, C = 64, 64, 256, 10
NET = Sequential(Linear(D, H), Tanh(), Linear(H, H), Tanh(), Linear(H, C))
P = D * H + H + H * H + H + H * C + C
ROWS = {"first": 11_483, "middle": 60_117, "last": 83_926}


def deep(name, quantities, doc, tangents):
    return Case(
        name=name,
        program=NET,
        params=NET.init(seed=51),
        inputs={"x": Normal((N, D), seed=52)},
        targets=Integers((N,), seed=53, low=0, high=C),
        loss=cross_entropy(),
        tangents=tangents,
        quantities=quantities,
        tier="full",
        doc=doc,
    )


def unit(k):
    return Computed(f"unit vector {k} of {P}", lambda: np.eye(1, P, k)[0])


cases = (
    deep(
        "deep_mlp", ("value", "gradient", "jvp", "vjp", "jacobian_inputs", "hvp", "ggnvp", "third_derivative"),
        "64-256-256-10 tanh network, cross-entropy, batch 64: products", {},
    ),
    # A Hessian's diagonal has no exact rule that costs less than its 85,002 rows, of which there are three below.
    # The empirical Fisher's takes a minute and is made on demand: what is shipped stays small.
    deep(
        "deep_mlp_diagonals", ("value", "ggn_diagonal", "empirical_fisher_diagonal"),
        "the diagonals of its Gauss-Newton matrix and of its empirical Fisher matrix", {},
    ),
    *(
        deep(f"deep_mlp_row_{layer}", ("value", "hvp", "ggnvp"), f"row {k} of its Hessian and its Gauss-Newton matrix",
             {"params": unit(k)})
        for layer, k in ROWS.items()
    ),
)  # fmt: skip
