"""Small networks of the layers that users of curvature have: residual, normalised, with tokens, shared, attending."""

from xcheck import Case, Integers, Literal, Normal
from xcheck.program import (
    BatchNorm,
    Embedding,
    LayerNorm,
    Linear,
    MeanPool,
    ReLU,
    Residual,
    SelfAttention,
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
    # No bias before it: the batch's mean would take it away again, and its derivatives would be rounding alone.
    return Sequential(Linear(4, 5, bias=False), BatchNorm(5, training=training), Tanh(), Linear(5, C))


# Token 2 occurs twice in the first row and in most others: its row of the table gathers all of them.
TOKENS = Literal(((2, 0, 2, 4), (1, 2, 3, 0), (4, 4, 4, 4), (0, 1, 2, 3), (3, 2, 2, 1), (2, 4, 1, 2)))

cases = (
    classifier(
        "residual",
        Sequential(Linear(4, 5), Residual(Sequential(Tanh(), Linear(5, 5), Tanh())), Linear(5, C)),
        VECTORS, "a residual block between two linear layers", *BY_INPUTS,
    ),
    classifier(
        "layer_norm",
        Sequential(Linear(4, 6), LayerNorm(6), Tanh(), Linear(6, C)),
        VECTORS, "layer normalisation inside a tanh network", *BY_INPUTS,
    ),
    classifier(
        "batch_norm_eval", with_batch_norm(training=False), VECTORS,
        "batch normalisation by running statistics", *BY_INPUTS,
    ),
    classifier(
        "batch_norm_train", with_batch_norm(training=True), VECTORS,
        "batch normalisation by the batch: every output depends on every example, so Jacobians are whole-batch ones",
        quantities=("value", "gradient", "jacobian_batch", "hessian_params", "hessian_diagonal", "hvp"),
    ),
    classifier(
        "embedding", Sequential(Embedding(6, 5), MeanPool(), Tanh(), Linear(5, C)), TOKENS,
        "tokens, one of them repeated and one (5) never used, embedded and averaged",
    ),
    classifier(
        "shared_linear", Sequential(Linear(4, 5), Twice(Sequential(Linear(5, 5), Tanh())), Linear(5, C)),
        VECTORS, "one linear layer used twice: its gradient and curvature have cross terms", *BY_INPUTS,
    ),
    classifier(
        "attention", Sequential(Residual(SelfAttention(8, heads=2)), LayerNorm(8), MeanPool(), Linear(8, C)),
        Normal((N, 4, 8), seed=84), "self-attention with 2 heads on 4 positions of 8 features, residual and normalised",
        quantities=(*FIRST, "hessian_diagonal", "hvp", "ggn_diagonal", "ggnvp"),
    ),
    classifier(
        "relu", Sequential(Linear(4, 7), ReLU(), Linear(7, 5), ReLU(), Linear(5, C)), VECTORS,
        "a ReLU network away from its kinks", *BY_INPUTS,
    ),
)  # fmt: skip
