"""Layers, one file a family."""

from xcheck.program.layers.activations import ReLU, Sigmoid, Tanh
from xcheck.program.layers.attention import SelfAttention
from xcheck.program.layers.combined import Residual, Twice
from xcheck.program.layers.convolution import AvgPool2d, Conv2d, Flatten
from xcheck.program.layers.embedding import Embedding, MeanPool
from xcheck.program.layers.linear import Linear
from xcheck.program.layers.normalisation import BatchNorm, LayerNorm

__all__ = [
    "AvgPool2d", "BatchNorm", "Conv2d", "Embedding", "Flatten", "LayerNorm", "Linear", "MeanPool", "ReLU", "Residual",
    "SelfAttention", "Sigmoid", "Tanh", "Twice",
]  # fmt: skip
