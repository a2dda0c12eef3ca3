"""What the kernels can take of a plain chain: linear layers, each with at most one function of theirs behind it."""

from __future__ import annotations

from ctypes import Array
from dataclasses import dataclass

import torch
from torch import Tensor

from xcheck.layerwise._errors import BadShape
from xcheck.layerwise._fused.build import Layer
from xcheck.layerwise._plain import Affine, Plain
from xcheck.layerwise.layers.activations import Sigmoid, SiLU, Tanh
from xcheck.layerwise.layers.piecewise import ReLU

NONE, BENDS = 0, {Tanh: 1, Sigmoid: 2, ReLU: 3, SiLU: 4}  # `enum Bend` of lanes.hpp


@dataclass(slots=True)
class Stages:
    """`z = W a + b`, then `a = s(z)` or z itself, one after another; `layers` are addresses in what `chain` keeps."""

    chain: Plain
    layers: Array[Layer]
    size: int  # p
    widest: int
    outputs: int


def stages(chain: Plain, x: Tensor) -> Stages | None:
    """The stages of a chain; None where a layer, a dtype, a device or a layout is not for the kernels."""
    layers: list[Layer] = []
    width, dtype, size, bends = x.shape[1], x.dtype, 0, True
    widest = width
    for one in chain:
        if isinstance(one, Affine):
            weight, bias = one.weight, one.bias
            outputs, inputs = weight.shape
            if not inputs or inputs != width or not _readable(weight, dtype):
                return None
            if bias is not None and not _readable(bias, dtype):
                return None
            layers.append(Layer(weight.data_ptr(), address(bias), inputs, outputs, NONE, size))
            size += outputs * (inputs + (bias is not None))
            width, bends = outputs, False
            widest = max(widest, width)
        else:
            if bends or one.kind not in BENDS:
                return None
            layers[-1].bend, bends = BENDS[one.kind], True
    return Stages(chain, (Layer * len(layers))(*layers), size, widest, width)


def ready(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    """As the kernels read it: a caller may have given, or a loss have made, another dtype, or a view.

    Raises:
        BadShape: it lies on another device.
    """
    if not tensor.is_cpu:
        raise BadShape(f"layerwise: the network is on the CPU, and what it is multiplied with on {tensor.device}")
    return (tensor if tensor.dtype == dtype else tensor.to(dtype)).contiguous()


def address(tensor: Tensor | None) -> int | None:
    """Where a tensor lies; None, the kernels' null, where there is none."""
    return None if tensor is None else tensor.data_ptr()


def _readable(parameter: Tensor, dtype: torch.dtype) -> bool:
    return parameter.dtype == dtype and parameter.is_cpu and parameter.is_contiguous()
