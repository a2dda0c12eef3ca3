"""`xp.nn`: what the array API lacks, from the operations of the exact namespace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from xcheck._errors import UnknownPrimitive

if TYPE_CHECKING:
    from xcheck.exact.namespace import Array, Namespace


class Functions:
    """Activations, softmax and its kin; signatures as in the frameworks' `xp.nn`."""

    def __init__(self, xp: Namespace) -> None:
        self.xp = xp

    def __getattr__(self, name: str) -> Any:
        raise UnknownPrimitive(
            f"the exact namespace has no xp.nn.{name}; add it to xcheck/exact/nn.py by functions that are there"
        )

    def sigmoid(self, a: Any) -> Array:
        return self.xp._unary("sigmoid", a)

    def softplus(self, a: Any) -> Array:
        """`log(1 + exp x)`, without a threshold."""
        return self.xp._unary("softplus", a)

    def erf(self, a: Any) -> Array:
        return self.xp._unary("erf", a)

    def relu(self, a: Any) -> Array:
        return self.xp.where_positive(a, a, 0.0)

    def logsumexp(self, a: Any) -> Array:
        """Over the last axis; the shift is a constant that cancels, so that floats do not overflow."""
        xp = self.xp
        a = xp.asarray(a)
        shift = np.max(xp.alg.floats(a.value), axis=-1, keepdims=True)
        total = xp.sum(xp.exp(a - shift), axis=-1)
        return xp.log(total) + shift[..., 0]

    def log_softmax(self, a: Any) -> Array:
        return self.xp.asarray(a) - self.xp.expand_dims(self.logsumexp(a), axis=-1)

    def softmax(self, a: Any) -> Array:
        """Over the last axis."""
        xp = self.xp
        a = xp.asarray(a)
        powers = xp.exp(a - np.max(xp.alg.floats(a.value), axis=-1, keepdims=True))
        return powers / xp.sum(powers, axis=-1, keepdims=True)

    def pick(self, a: Any, index: np.ndarray) -> Array:
        """`a[n, index[n]]`."""
        return self.xp.index(self.xp.asarray(a), (np.arange(len(index)), np.asarray(index)))
