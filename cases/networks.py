"""Small networks of the layers that users of curvature have: residual, normalised, shared, ReLU."""

from xcheck import Case, Integers, Normal
from xcheck.program import (
    BatchNorm,
    Linear,
    ReLU,
    Residual,
    Sequential,
    Tanh,
    Twice,
    cross_entropy,
)

N, C = 6, 3
LABELS = Integers((N,), seed=81, low=0, high=C)
VECTORS = Normal((N, 4), seed=83)
FIRST = ("value", "gradient", "per_example_gradients", "jacobian_params", "jvp", "vjp")
SECOND = (
    "hessian_params", "hessian_diagonal", "hvp", "ggn", "ggn_diagonal", "ggnvp", "empirical_fisher_diagonal",
)  # fmt: skip
BY_INPUTS = ("jacobian_inputs", "hessian_inputs")


def classifier(name, net, x, doc, *more, quantities=FIRST + SECOND):
    return Case(
        name=name,
        program=net,
        params=net.init(seed=82),
        inputs={"x": x},
        targets=LABELS,
        loss=cross_entropy(),
        quantities=(*quantities, *more),
        doc=doc,
    )


def with_batch_norm(training):
    return Sequential(Linear(4, 5), BatchNorm(5, training=training), Tanh(), Linear(5, C))


cases = (
    classifier(
        "residual",
        Sequential(Linear(4, 5), Residual(Sequential(Tanh(), Linear(5, 5), Tanh())), Linear(5, C)),
        VECTORS, "a residual block between two linear layers", *BY_INPUTS,
    ),
    classifier(
        "batch_norm_train", with_batch_norm(training=True), VECTORS,
        "batch normalisation by the batch: every output depends on every example, so Jacobians are whole-batch ones",
        quantities=("value", "gradient", "jacobian_batch", "hessian_params", "hessian_diagonal", "hvp"),
    ),
    classifier(
        "shared_linear", Sequential(Linear(4, 5), Twice(Sequential(Linear(5, 5), Tanh())), Linear(5, C)),
        VECTORS, "one linear layer used twice: its gradient and curvature have cross terms", *BY_INPUTS,
    ),
    classifier(
        "relu", Sequential(Linear(4, 7), ReLU(), Linear(7, 5), ReLU(), Linear(5, C)), VECTORS,
        "a ReLU network away from its kinks", *BY_INPUTS,
    ),
)  # fmt: skip
