"""An 8-16-16-3 tanh network with squared error, mean and summed: "mean" divides by n c = 60, not by n = 20."""

from xcheck import Case, Normal
from xcheck.program import Linear, Sequential, Tanh, mse

N, D, H, C = 20, 8, 16, 3
QUANTITIES = (
    "value", "gradient", "per_example_gradients", "jacobian_inputs", "hessian_inputs", "jvp", "vjp",
    "hessian_diagonal", "hessian_trace", "hvp", "ggn_diagonal", "ggnvp", "empirical_fisher_diagonal",
    "third_derivative", "fourth_derivative",
)  # fmt: skip
NET = Sequential(Linear(D, H), Tanh(), Linear(H, H), Tanh(), Linear(H, C))


def regression(name, reduction, doc, quantities=QUANTITIES, tier="standard"):
    return Case(
        name=name,
        program=NET,
        params=NET.init(seed=21),
        inputs={"x": Normal((N, D), seed=22)},
        targets=Normal((N, C), seed=23),
        loss=mse(reduction),
        quantities=quantities,
        tier=tier,
        doc=doc,
    )


cases = (
    regression(
        "tanh_mlp_regression", "mean", "8-16-16-3 tanh network, squared error, mean over 60 numbers",
        (*QUANTITIES, "kfac_factors"),
    ),
    regression("tanh_mlp_regression_sum", "sum", "the same, summed: a factor n c between them", tier="full"),
    regression(
        "tanh_mlp_regression_dense", "mean", "the mean again, with its matrices of 467 x 467",
        ("value", "jacobian_params", "hessian_params", "hessian_blocks", "ggn", "ggn_blocks", "empirical_fisher"),
        "full",
    ),
)  # fmt: skip
