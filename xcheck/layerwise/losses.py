"""Losses `factor * sum_n e_n(f_n)`, negative log-likelihoods: gradient, root and products of the Hessian of `e_n`."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from xcheck.layerwise._errors import BadShape, Unsupported
from xcheck.layerwise._forms import Columns, Form, Unit


@dataclass(frozen=True)
class Output:
    """A loss at the outputs `f`: loss = `factor * sum_n e_n`, where `e_n` has no constant that is not exact.

    `factor` multiplies results at the very end, so that the MSE's root of the Hessian is the identity itself.
    """

    gradient: Callable[[], Tensor]  # de_n/df (n, *c)
    root: Callable[[], Form]  # H_n = sum_k C_k C_k^T
    product: Callable[[Tensor], Tensor]  # H_n v for v (n, *c) or (k, n, *c)


class GaussianNLL(nn.Module):
    """`sum_n |f_n - y_n|^2 / (2 noise_var)`; "mean" divides by all entries. The additive constant is left out.

    >>> GaussianNLL(noise_var=0.5)(torch.tensor([[1.0, 3.0]]), torch.tensor([[0.0, 1.0]]))
    tensor(5.)
    """

    def __init__(self, noise_var: float = 1.0, reduction: str = "sum") -> None:
        super().__init__()
        if not isinstance(noise_var, (int, float)) or not 0 < noise_var < math.inf:
            raise Unsupported(f"layerwise: noise_var is {noise_var!r}, expected a finite number above 0")
        self.noise_var, self.reduction = noise_var, reduction

    def forward(self, f: Tensor, y: Tensor) -> Tensor:
        """`sum |f - y|^2 / (2 noise_var)`, or its mean over all entries."""
        return (f - y).square().sum() * scale(self, y)[0] * 0.5


_LOSSES = (nn.MSELoss, GaussianNLL, nn.BCEWithLogitsLoss, nn.CrossEntropyLoss)


def scale(loss: nn.Module, y: Tensor) -> tuple[float | Tensor, float | Tensor]:
    """`(factor, r)` over all targets: loss = `r sum_n l_n = factor sum_n e_n`."""
    kind = next((base for base in _LOSSES if isinstance(loss, base)), None)
    if kind is None or type(loss).forward is not kind.forward:
        raise Unsupported(
            f"layerwise: no rule for the loss {type(loss).__name__}; expected torch.nn's MSELoss, CrossEntropyLoss or "
            "BCEWithLogitsLoss, or layerwise.GaussianNLL, with its own forward"
        )
    reduction = getattr(loss, "reduction", None)
    if reduction not in ("mean", "sum"):
        raise Unsupported(f"layerwise: {type(loss).__name__} has reduction {reduction!r}, expected 'mean' or 'sum'")
    r = 1.0 if reduction == "sum" else 1.0 / y.numel()
    if isinstance(loss, nn.MSELoss):
        return 2 * r, r
    if isinstance(loss, GaussianNLL):
        return r / loss.noise_var, r
    if isinstance(loss, nn.CrossEntropyLoss) and reduction == "mean":
        r = _cross_entropy_mean(loss, y)
    return r, r


def _cross_entropy_mean(loss: nn.CrossEntropyLoss, y: Tensor) -> float | Tensor:
    if y.is_floating_point():
        return y.shape[1] / y.numel()
    kept = y != loss.ignore_index
    if loss.weight is None:
        # An integer sum would divide in the default dtype, float32, whatever the dtype of f.
        return 1 / kept.sum(dtype=torch.float64)
    return 1 / loss.weight[y.where(kept, 0)].where(kept, 0).sum()


def at_output(loss: nn.Module, f: Tensor, y: Tensor) -> Output:
    """The loss at `f` (n, *c) and its targets; the sign is that of the negative log-likelihood.

    >>> out = at_output(nn.MSELoss(), torch.tensor([[1.0, 3.0]]), torch.tensor([[0.0, 1.0]]))
    >>> out.gradient(), out.root().diagonal()
    (tensor([[1., 2.]]), tensor([[1., 1.]]))
    """
    if isinstance(loss, nn.CrossEntropyLoss):
        return _cross_entropy(loss, f, y)
    if f.shape != y.shape:
        raise BadShape(f"layerwise: targets have shape {tuple(y.shape)}, expected {tuple(f.shape)} as the outputs")
    return _binary(loss, f, y) if isinstance(loss, nn.BCEWithLogitsLoss) else _square(f, y)


def _square(f: Tensor, y: Tensor) -> Output:
    """`e = |f - y|^2 / 2`: `H = I`, the same for all examples."""
    return Output(lambda: f - y, lambda: Unit(f), lambda v: v)


def _binary(loss: nn.BCEWithLogitsLoss, f: Tensor, y: Tensor) -> Output:
    """`e = sum w (a y softplus(-f) + (1 - y) softplus(f))`: `H` is diagonal."""
    up, down = torch.sigmoid(f), torch.sigmoid(-f)
    positive = y if loss.pos_weight is None else y * loss.pos_weight
    weight = 1 if loss.weight is None else loss.weight
    curvature = weight * (positive + (1 - y)) * up * down
    return Output(
        lambda: weight * ((1 - y) * up - positive * down),
        lambda: Unit(f).columns().scaled(curvature.sqrt()),
        lambda v: curvature * v,
    )


def _cross_entropy(loss: nn.CrossEntropyLoss, f: Tensor, y: Tensor) -> Output:
    """`e = -sum_i q_i log p_i`, `p = softmax f`, `m = sum_i q_i`: gradient `m p - q`, `H = m (diag p - p p^T)`."""
    q = _targets(loss, f, y)
    p = torch.softmax(f, dim=1)
    mass = q.sum(1, keepdim=True)

    def product(v: Tensor) -> Tensor:
        return mass * p * (v - (p * v).sum(v.ndim - f.ndim + 1, keepdim=True))

    return Output(lambda: mass * p - q, lambda: Columns(_softmax_root(p, mass)), product)


def _targets(loss: nn.CrossEntropyLoss, f: Tensor, y: Tensor) -> Tensor:
    """The target distribution times class weights, smoothed, zero where ignored: (n, c, ...)."""
    if y.is_floating_point():
        if y.shape != f.shape:
            raise BadShape(f"layerwise: target probabilities have shape {tuple(y.shape)}, expected {tuple(f.shape)}")
        q, kept = y, None
    else:
        if y.shape != f.shape[:1] + f.shape[2:]:
            raise BadShape(
                f"layerwise: class targets have shape {tuple(y.shape)}, expected {tuple(f.shape[:1] + f.shape[2:])}"
            )
        kept = (y != loss.ignore_index).unsqueeze(1)
        q = torch.zeros_like(f).scatter_(1, y.unsqueeze(1).where(kept, 0), 1)
    if loss.label_smoothing:
        q = q * (1 - loss.label_smoothing) + loss.label_smoothing / f.shape[1]
    if loss.weight is not None:
        q = q * loss.weight.view(-1, *[1] * (f.ndim - 2))
    return q if kept is None else q * kept


def _softmax_root(p: Tensor, mass: Tensor) -> Tensor:
    """Cholesky factor of `m (diag p - p p^T)`, (h, n, c, ...), h = c - 1 a position: no difference of near numbers.

    With tails `s_j = sum_(i >= j) p_i`, column j is `sqrt(p_j s_(j+1) / s_j)` at j, `-p_i / s_(j+1)` times it below.
    Classes ascend, so that `s_(j+1) >= 1/c`: what is left for two unlikely ones, `p_i p_k`, is a difference of products
    that are `1 / s` times as large.
    """
    classes, order = p.movedim(1, -1).sort(-1)
    c = classes.shape[-1]
    tail = classes.flip(-1).cumsum(-1).flip(-1)
    after = tail[..., 1:].clamp_min(torch.finfo(p.dtype).tiny)
    head = (classes[..., :-1] * tail[..., 1:] / tail[..., :-1].clamp_min(torch.finfo(p.dtype).tiny)).sqrt()
    below = classes.unsqueeze(-2) / after.unsqueeze(-1)
    j, i = torch.arange(c - 1, device=p.device)[:, None], torch.arange(c, device=p.device)[None]
    rows = torch.where(i == j, 1, -below).where(i >= j, 0) * (head * mass.movedim(1, -1).sqrt()).unsqueeze(-1)
    rows = torch.empty_like(rows).scatter_(-1, order.unsqueeze(-2).expand_as(rows), rows)
    if p.ndim == 2:
        return rows.movedim(-2, 0)
    # Further axes are positions that do not see each other: one set of columns for each.
    n, positions = p.shape[0], p.shape[2:].numel()
    rows = rows.reshape(n, positions, c - 1, c)
    spread = torch.diag_embed(rows.movedim(1, -1))  # (n, c-1, c, position, position of the column)
    return spread.permute(1, 4, 0, 2, 3).reshape(-1, n, c, *p.shape[2:])
