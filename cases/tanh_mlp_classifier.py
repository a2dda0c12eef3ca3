"""An 8-16-16-3 tanh network with softmax cross-entropy, mean and summed: n = 20, d = 8, h = 16, c = 3 all differ.

The Hessian of the loss by the logits, `diag(s) - s s^T` with s the softmax, is not diagonal and singular, so a
Gauss-Newton matrix that takes only its diagonal, or its square root with the wrong sign, shows here.
"""

from xcheck import Case, Integers, Normal
from xcheck.program import Linear, Sequential, Tanh, cross_entropy

N, D, H, C = 20, 8, 16, 3
VECTORS = (
    "value", "gradient", "per_example_gradients", "jvp", "vjp", "hessian_diagonal", "hessian_trace", "hvp",
    "ggn_diagonal", "ggnvp", "empirical_fisher_diagonal", "third_derivative", "fourth_derivative",
)  # fmt: skip
NET = Sequential(Linear(D, H), Tanh(), Linear(H, H), Tanh(), Linear(H, C))


def classifier(name, reduction, quantities, doc, tier="standard"):
    return Case(
        name=name,
        program=NET,
        params=NET.init(seed=11),
        inputs={"x": Normal((N, D), seed=12)},
        targets=Integers((N,), seed=13, low=0, high=C),
        loss=cross_entropy(reduction),
        quantities=quantities,
        tier=tier,
        doc=doc,
    )


cases = (
    classifier(
        "tanh_mlp_classifier", "mean",
        (*VECTORS, "kfac_factors", "jacobian_params", "jacobian_inputs", "hessian_inputs"),
        "8-16-16-3 tanh network, cross-entropy, mean of 20 examples",
    ),
    classifier("tanh_mlp_classifier_sum", "sum", VECTORS, "the same, summed: a factor n between them", tier="full"),
    classifier(
        "tanh_mlp_classifier_dense", "mean",
        ("value", "hessian_params", "hessian_blocks", "ggn", "ggn_blocks", "empirical_fisher"),
        "the mean again, with its matrices of 467 x 467", tier="full",
    ),
)  # fmt: skip
