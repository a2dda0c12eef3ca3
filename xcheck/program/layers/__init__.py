"""Layers, one file a family."""

from xcheck.program.layers.activations import ReLU, Sigmoid, Tanh
from xcheck.program.layers.attention import SelfAttention
from xcheck.program.layers.combined import HeadFirst, Residual, Twice
from xcheck.program.layers.convolution import AvgPool2d, Conv2d, Flatten, MaxPool2d
from xcheck.program.layers.embedding import Embedding, MeanPool
from xcheck.program.layers.held import Frozen, Semigradient
from xcheck.program.layers.linear import Linear
from xcheck.program.layers.normalisation import BatchNorm, GroupNorm, InstanceNorm1d, LayerNorm, RMSNorm
from xcheck.program.layers.recurrent import Recurrent

__all__ = [
    "AvgPool2d", "BatchNorm", "Conv2d", "Embedding", "Flatten", "Frozen", "GroupNorm", "HeadFirst", "InstanceNorm1d",
    "LayerNorm", "Linear", "MaxPool2d", "MeanPool", "RMSNorm", "ReLU", "Recurrent", "Residual", "SelfAttention",
    "Semigradient", "Sigmoid", "Tanh", "Twice",
]  # fmt: skip
