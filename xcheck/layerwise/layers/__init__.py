"""The layers, one family a file; importing this package registers them all."""

from xcheck.layerwise import _chain
from xcheck.layerwise.layers import activations, elementwise, linear, piecewise

__all__ = ["_chain", "activations", "elementwise", "linear", "piecewise"]
