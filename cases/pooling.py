"""Pooling over windows of 3 x 3 that overlap by one: an entry counts in up to four windows."""

from xcheck import Case, Integers, Normal
from xcheck.program import AvgPool2d, Conv2d, Flatten, Linear, MaxPool2d, Sequential, Tanh, cross_entropy

N, C = 5, 3


def classifier(name, pool, doc):
    net = Sequential(Conv2d(1, 3, size=2), Tanh(), pool, Flatten(), Linear(12, C))
    return Case(
        name=name,
        program=net,
        params=net.init(seed=131),
        inputs={"x": Normal((N, 1, 6, 6), seed=132)},
        targets=Integers((N,), seed=133, low=0, high=C),
        loss=cross_entropy(),
        quantities=(
            "value", "gradient", "per_example_gradients", "jacobian_params", "jacobian_inputs", "jvp", "vjp",
            "hessian_params", "hessian_diagonal", "hvp", "ggn", "ggn_diagonal", "ggnvp", "empirical_fisher",
        ),
        tier="full",
        doc=doc,
    )  # fmt: skip


cases = (
    classifier("max_pool_overlapping", MaxPool2d(3, stride=2), "max pooling over windows that overlap"),
    classifier("average_pool_overlapping", AvgPool2d(3, stride=2), "average pooling over windows that overlap"),
)
