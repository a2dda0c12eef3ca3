"""Outputs of two and of three axes an example: a number for each position and channel, and small images."""

from xcheck import Case, Normal
from xcheck.program import Conv2d, Linear, Sequential, Tanh, mse

QUANTITIES = (
    "value", "gradient", "per_example_gradients", "jacobian_params", "jacobian_inputs", "jvp", "vjp", "hessian_inputs",
    "hessian_params", "hessian_diagonal", "hvp", "ggn", "ggn_diagonal", "ggnvp", "empirical_fisher",
    "empirical_fisher_diagonal",
)  # fmt: skip


def regression(name, net, x, y, doc, seed):
    return Case(
        name=name,
        program=net,
        params=net.init(seed=seed),
        inputs={"x": Normal(x, seed=seed + 1)},
        targets=Normal(y, seed=seed + 2),
        loss=mse(),
        quantities=QUANTITIES,
        doc=doc,
    )


cases = (
    regression(
        "positions", Sequential(Linear(2, 3), Tanh(), Linear(3, 4)), (5, 3, 2), (5, 3, 4),
        "a network on each of 3 positions, outputs of shape (3, 4) an example", seed=141,
    ),
    regression(
        "images", Sequential(Conv2d(1, 2, size=2, padding=1), Tanh(), Conv2d(2, 2, size=2)), (4, 1, 2, 3), (4, 2, 2, 3),
        "two convolutions from image to image, outputs of shape (2, 2, 3) an example", seed=144,
    ),
)  # fmt: skip
