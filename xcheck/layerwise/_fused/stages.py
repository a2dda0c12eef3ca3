"""What the kernels can take of a plain chain: linear layers, each with at most one function of theirs behind it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from xcheck.layerwise._plain import Affine, Plain
from xcheck.layerwise.layers.activations import Sigmoid, SiLU, Tanh
from xcheck.layerwise.layers.piecewise import ReLU

NONE, BENDS = 0, {Tanh: 1, Sigmoid: 2, ReLU: 3, SiLU: 4}  # `enum Bend` of lanes.hpp


@dataclass(slots=True)
class Stage:
    """`z = W a + b`, then `a = s(z)`, or `a = z` where `bend` is NONE."""

    affine: Affine
    bend: int = NONE


def stages(chain: Plain, x: Tensor) -> list[Stage] | None:
    """The stages of a chain; None where a layer, a dtype, a device or a layout is not for the kernels."""
    found: list[Stage] = []
    width, dtype, bends = x.shape[1], x.dtype, True
    for one in chain:
        if isinstance(one, Affine):
            outputs, inputs = one.weight.shape
            if inputs != width or not _readable(one.weight, dtype):
                return None
            if one.bias is not None and not _readable(one.bias, dtype):
                return None
            found.append(Stage(one))
            width, bends = outputs, False
        else:
            if bends or one.kind not in BENDS:
                return None
            found[-1].bend, bends = BENDS[one.kind], True
    return found


def _readable(parameter: Tensor, dtype: torch.dtype) -> bool:
    return parameter.dtype == dtype and parameter.is_cpu and parameter.is_contiguous()
