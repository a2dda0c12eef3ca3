"""Small classifiers around one layer each: normalisations within an example, and pooling over windows that overlap."""

from xcheck import Case, Integers, Normal
from xcheck.program import (
    AvgPool2d,
    Conv2d,
    Flatten,
    GroupNorm,
    InstanceNorm1d,
    Linear,
    MaxPool2d,
    RMSNorm,
    Sequential,
    Tanh,
    cross_entropy,
)

C = 3


def classifier(name, net, shape, doc, seed):
    return Case(
        name=name,
        program=net,
        params=net.init(seed=seed),
        inputs={"x": Normal(shape, seed=seed + 1)},
        targets=Integers(shape[:1], seed=seed + 2, low=0, high=C),
        loss=cross_entropy(),
        quantities=(
            "value", "gradient", "per_example_gradients", "jacobian_params", "jacobian_inputs", "jvp", "vjp",
            "hessian_params", "hessian_diagonal", "hvp", "ggn", "ggn_diagonal", "ggnvp", "empirical_fisher",
        ),
        tier="full",
        doc=doc,
    )  # fmt: skip


def pooled(name, pool, doc):
    """Windows of 3 x 3, two apart, on 5 x 5 entries: one entry counts in up to four of them."""
    net = Sequential(Conv2d(1, 3, size=2), Tanh(), pool, Flatten(), Linear(12, C))
    return classifier(name, net, (5, 1, 6, 6), doc, seed=131)


cases = (
    classifier(
        "group_norm", Sequential(Linear(3, 4), GroupNorm(4, groups=2), Tanh(), Flatten(), Linear(16, C)), (6, 4, 3),
        "group normalisation, 2 groups of 2 channels of 4 positions", seed=101,
    ),
    classifier(
        "rms_norm", Sequential(Linear(4, 6), RMSNorm(6), Tanh(), Linear(6, C)), (6, 4),
        "normalisation by the root mean square, which has no bias", seed=101,
    ),
    # Linear acts on each of the 3 channels; the weights of the normalisation see 5 positions each.
    classifier(
        "instance_norm", Sequential(Linear(4, 5), InstanceNorm1d(3), Tanh(), Flatten(), Linear(15, C)), (6, 3, 4),
        "instance normalisation of 3 channels of 5 positions", seed=101,
    ),
    pooled("max_pool_overlapping", MaxPool2d(3, stride=2), "max pooling over windows that overlap"),
    pooled("average_pool_overlapping", AvgPool2d(3, stride=2), "average pooling over windows that overlap"),
)  # fmt: skip
