"""What a program is: a pure function of `xp`, parameters and inputs, written once.

`Sequential(...)` of layers is a program that also becomes a real `torch.nn.Module`.
"""

from xcheck.program._program import Layer, Program, split_aux
from xcheck.program.layers import *  # noqa: F403
from xcheck.program.layers import __all__ as _layers
from xcheck.program.losses import (
    MSE,
    CrossEntropy,
    GaussianNLL,
    Loss,
    WeightedSum,
    cross_entropy,
    gaussian_nll,
    mse,
    weighted_sum,
)
from xcheck.program.sequential import Sequential, chain, own

__all__ = [
    "MSE", "CrossEntropy", "GaussianNLL", "Layer", "Loss", "Program", "Sequential", "WeightedSum",
    "chain", "cross_entropy", "gaussian_nll", "mse", "own", "split_aux", "weighted_sum", *_layers,
]  # fmt: skip
