"""Small networks with the normalisations that act within an example: by group, by root mean square, by instance."""

from xcheck import Case, Integers, Normal
from xcheck.program import (
    Flatten,
    GroupNorm,
    InstanceNorm1d,
    Linear,
    RMSNorm,
    Sequential,
    Tanh,
    cross_entropy,
)

N, C = 6, 3


def classifier(name, net, shape, doc):
    return Case(
        name=name,
        program=net,
        params=net.init(seed=101),
        inputs={"x": Normal((N, *shape), seed=102)},
        targets=Integers((N,), seed=103, low=0, high=C),
        loss=cross_entropy(),
        quantities=(
            "value", "gradient", "per_example_gradients", "jacobian_params", "jacobian_inputs", "jvp", "vjp",
            "hessian_params", "hessian_diagonal", "hvp", "ggn", "ggn_diagonal", "ggnvp", "empirical_fisher",
        ),
        tier="full",
        doc=doc,
    )  # fmt: skip


cases = (
    classifier(
        "group_norm", Sequential(Linear(3, 4), GroupNorm(4, groups=2), Tanh(), Flatten(), Linear(16, C)), (4, 3),
        "group normalisation, 2 groups of 2 channels of 4 positions",
    ),
    classifier(
        "rms_norm", Sequential(Linear(4, 6), RMSNorm(6), Tanh(), Linear(6, C)), (4,),
        "normalisation by the root mean square, which has no bias",
    ),
    # Linear acts on each of the 3 channels; the weights of the normalisation see 5 positions each.
    classifier(
        "instance_norm", Sequential(Linear(4, 5), InstanceNorm1d(3), Tanh(), Flatten(), Linear(15, C)), (3, 4),
        "instance normalisation of 3 channels of 5 positions",
    ),
)  # fmt: skip
