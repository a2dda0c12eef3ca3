"""The layers, one family a file; importing this package registers them all."""

from xcheck.layerwise import _chain
from xcheck.layerwise.layers import (
    activations,
    conv,
    elementwise,
    embedding,
    linear,
    linear_map,
    norm,
    piecewise,
    pooling,
    shape,
    skip,
    softmax,
    special,
    upsample,
)

__all__ = [
    "_chain",
    "activations",
    "conv",
    "elementwise",
    "embedding",
    "linear",
    "linear_map",
    "norm",
    "piecewise",
    "pooling",
    "shape",
    "skip",
    "softmax",
    "special",
    "upsample",
]
