"""Derivatives of `torch.nn` modules layer by layer, exact and without autograd: Jacobian products, GGN, Hessian, KFAC.

Needs only torch. Modules are used as they are; results over parameters are flat in `named_parameters()` order, frozen
parameters included; `loss` is an ordinary `torch.nn` loss with its reduction. Results carry no graph, except within
`layerwise.differentiable()`.

>>> import torch
>>> from torch import nn
>>> from xcheck import layerwise
>>> model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
>>> x, y = torch.zeros(5, 3), torch.zeros(5, 2)
>>> layerwise.ggn_diagonal(model, x, y, loss=nn.MSELoss()).shape
torch.Size([26])
"""

import xcheck.layerwise.layers  # noqa: F401  (registers the built-in layers)
from xcheck.layerwise._call import differentiable
from xcheck.layerwise._errors import AutogradLayer, BadShape, Unsupported
from xcheck.layerwise._fused.context import fused
from xcheck.layerwise._layer import Layer
from xcheck.layerwise._registry import register
from xcheck.layerwise.backprop_diag import ggn_diagonal_backprop
from xcheck.layerwise.ggn import ggn, ggn_diagonal
from xcheck.layerwise.gradients import empirical_fisher, gradient, per_example_gradients
from xcheck.layerwise.hessian import hessian, hessian_diagonal
from xcheck.layerwise.hvp import ggnvp, hvp
from xcheck.layerwise.jacobian import jacobian
from xcheck.layerwise.kfac import kfac
from xcheck.layerwise.losses import GaussianNLL
from xcheck.layerwise.modules import Exp, L2Norm, Reshape, Sin, Skip, SkipConcat, TruncExp
from xcheck.layerwise.products import jmjTp, jmp, jTmjp, jTmjp_batch2, jvp, mjp, vjp

__all__ = [
    "AutogradLayer",
    "BadShape",
    "Exp",
    "GaussianNLL",
    "L2Norm",
    "Layer",
    "Reshape",
    "Sin",
    "Skip",
    "SkipConcat",
    "TruncExp",
    "Unsupported",
    "differentiable",
    "empirical_fisher",
    "fused",
    "ggn",
    "ggn_diagonal",
    "ggn_diagonal_backprop",
    "ggnvp",
    "gradient",
    "hessian",
    "hessian_diagonal",
    "hvp",
    "jTmjp",
    "jTmjp_batch2",
    "jacobian",
    "jmjTp",
    "jmp",
    "jvp",
    "kfac",
    "mjp",
    "per_example_gradients",
    "register",
    "vjp",
]
