"""Layers, one file a family."""

from xcheck.program.layers.activations import Sigmoid, Tanh
from xcheck.program.layers.linear import Linear

__all__ = ["Linear", "Sigmoid", "Tanh"]
