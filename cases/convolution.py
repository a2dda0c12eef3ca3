"""A small convolutional network: stride, padding, groups and pooling, on images of 9 x 7 pixels."""

from xcheck import Case, Integers, Normal
from xcheck.program import AvgPool2d, Conv2d, Flatten, Linear, Sequential, Tanh, cross_entropy

NET = Sequential(
    Conv2d(2, 4, size=3, stride=2, padding=1),
    Tanh(),
    Conv2d(4, 6, size=2, groups=2),
    Tanh(),
    AvgPool2d(2),
    Flatten(),
    Linear(12, 3),
)

convolution = Case(
    name="convolution",
    program=NET,
    params=NET.init(seed=71),
    inputs={"x": Normal((5, 2, 9, 7), seed=72)},
    targets=Integers((5,), seed=73, low=0, high=3),
    loss=cross_entropy(),
    quantities=(
        "value", "gradient", "per_example_gradients", "jacobian_params", "jacobian_inputs", "jvp", "vjp",
        "hessian_params", "hessian_diagonal", "hvp", "ggn", "ggn_diagonal", "ggnvp",
    ),
    doc="two convolutions (stride 2 with padding, 2 groups), average pooling and a linear layer, cross-entropy",
)  # fmt: skip
