"""Losses: `loss = r * sum_n l_n`, with `l_n` summed over the outputs of one example.

Conventions: MSE has `r = 1/(n c)` ("mean") or 1 ("sum") and no 1/2; cross-entropy `r = 1/n` or 1;
`gaussian_nll(noise_var)` is `(f - y)^2 / (2 noise_var)`, summed.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

from xcheck._errors import CaseError
from xcheck._lazy import torch
from xcheck.program._program import Array

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Loss:
    """`loss(xp, output, targets) = sum_n l_n / divisor`; r = 1 / divisor."""

    reduction: str = "mean"

    def __post_init__(self) -> None:
        if self.reduction not in ("mean", "sum"):
            raise CaseError(f'reduction {self.reduction!r} is not one of "mean", "sum"')

    def per_example(self, xp: Any, output: Array, targets: Array) -> Array:
        """`l_n`, of shape (n,)."""
        raise TypeError(f"loss {type(self).__name__} states no per_example(xp, output, targets)")

    def terms(self, shape: tuple[int, ...]) -> int:
        """What "mean" divides by, for outputs of this shape."""
        return shape[0]

    def divisor(self, shape: tuple[int, ...]) -> int:
        """`1 / r` for outputs of this shape."""
        return self.terms(shape) if self.reduction == "mean" else 1

    def __call__(self, xp: Any, output: Array, targets: Array) -> Array:
        total = xp.sum(self.per_example(xp, output, targets))
        divisor = self.divisor(tuple(output.shape))
        return total if divisor == 1 else total / divisor

    @property
    def nll(self) -> float:
        """`l_n` in units of its negative log-likelihood, with variance 1 where it is a squared error."""
        return 1.0

    def torch(self) -> nn.Module:
        raise TypeError(f"loss {type(self).__name__} states no torch()")


@dataclass(frozen=True)
class MSE(Loss):
    """`l_n = sum_c (f - y)^2`."""

    def per_example(self, xp: Any, output: Array, targets: Array) -> Array:
        error = _rows(xp, output - targets, output, targets)
        return xp.sum(error * error, axis=1)

    def terms(self, shape: tuple[int, ...]) -> int:
        return prod(shape)

    @property
    def nll(self) -> float:
        return 2.0

    def torch(self) -> nn.Module:
        return torch.nn.MSELoss(reduction=self.reduction)


@dataclass(frozen=True)
class GaussianNLL(MSE):
    """`l_n = sum_c (f - y)^2 / (2 noise_var)`, summed over the batch."""

    reduction: str = "sum"
    noise_var: float = 1.0

    def per_example(self, xp: Any, output: Array, targets: Array) -> Array:
        return super().per_example(xp, output, targets) / (2 * self.noise_var)

    @property
    def nll(self) -> float:
        return 1 / self.noise_var

    def torch(self) -> nn.Module:
        return _torch_gaussian_nll()(self.noise_var)


@dataclass(frozen=True)
class CrossEntropy(Loss):
    """`l_n = log sum_k exp f_k - f_target` for logits f of shape (n, c) and integer targets (n,)."""

    def per_example(self, xp: Any, output: Array, targets: Array) -> Array:
        return xp.nn.logsumexp(output) - xp.nn.pick(output, targets)

    def torch(self) -> nn.Module:
        return torch.nn.CrossEntropyLoss(reduction=self.reduction)


@dataclass(frozen=True)
class WeightedSum(Loss):
    """`l_n = sum_c y_nc f_nc`, summed: its derivatives are those of the program, contracted with the targets."""

    reduction: str = "sum"

    def per_example(self, xp: Any, output: Array, targets: Array) -> Array:
        return xp.sum(_rows(xp, output * targets, output, targets), axis=1)

    def torch(self) -> nn.Module:
        return _torch_weighted_sum()()


def _rows(xp: Any, terms: Array, output: Array, targets: Array) -> Array:
    """(n, c) of terms, one for each output; targets that spread over other examples are a mistake."""
    if tuple(terms.shape) != tuple(output.shape):
        raise CaseError(f"targets of shape {tuple(targets.shape)} do not fit outputs of shape {tuple(output.shape)}")
    return xp.reshape(terms, (output.shape[0], -1))


def _torch_weighted_sum() -> type:
    """A class made on call, since its base is torch's."""

    class WeightedSumLoss(torch.nn.Module):
        def forward(self, input: Any, target: Any) -> Any:
            return (input * target).sum()

    return WeightedSumLoss


def _torch_gaussian_nll() -> type:
    """A class made on call, since its base is torch's."""

    class GaussianNLLLoss(torch.nn.MSELoss):
        def __init__(self, noise_var: float) -> None:
            super().__init__(reduction="sum")
            self.noise_var = noise_var

        def forward(self, input: Any, target: Any) -> Any:
            return super().forward(input, target) / (2 * self.noise_var)

    return GaussianNLLLoss


def mse(reduction: str = "mean") -> MSE:
    """Mean (or summed) squared error, without a 1/2."""
    return MSE(reduction)


def gaussian_nll(noise_var: float = 1.0) -> GaussianNLL:
    """Negative log-likelihood of a Gaussian with variance `noise_var`, without its constant."""
    return GaussianNLL(noise_var=noise_var)


def cross_entropy(reduction: str = "mean") -> CrossEntropy:
    """Softmax cross-entropy of logits."""
    return CrossEntropy(reduction)


def weighted_sum() -> WeightedSum:
    """The outputs, weighted with the targets and summed."""
    return WeightedSum()
