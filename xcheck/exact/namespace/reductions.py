"""Products and reductions."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from xcheck._errors import Undecidable
from xcheck.exact.algebra import Choice
from xcheck.exact.conventions import shared
from xcheck.exact.namespace.array import Array
from xcheck.exact.namespace.elementwise import Elementwise

Axis = int | tuple[int, ...] | None


class Reductions(Elementwise):
    """Matrix products, sums, moments, and the largest entry."""

    def matmul(self, a: Any, b: Any) -> Array:
        a, b = self.asarray(a), self.asarray(b)
        if a.ndim == 1:
            return self.matmul(self.reshape(a, (1, -1)), b)[..., 0, :]
        if b.ndim == 1:
            return self.matmul(a, self.reshape(b, (-1, 1)))[..., 0]
        axes = max(a.ndim, b.ndim)
        a = self.reshape(a, (*[1] * (axes - a.ndim), *a.shape))
        b = self.reshape(b, (*[1] * (axes - b.ndim), *b.shape))
        return Array(self, self.alg.matmul(a.value, b.value))

    def _axes(self, a: Array, axis: Axis) -> tuple[int, ...]:
        axes = range(a.ndim) if axis is None else (axis,) if isinstance(axis, int) else axis
        return tuple(sorted(k % a.ndim for k in axes))

    def sum(self, a: Any, *, axis: Axis = None, keepdims: bool = False) -> Array:
        a = self.asarray(a)
        axes = self._axes(a, axis)
        total = Array(self, self.alg.sum(a.value, axes)) if axes else a
        return self._kept(total, a, axes) if keepdims else total

    def _kept(self, total: Array, a: Array, axes: tuple[int, ...]) -> Array:
        return self.reshape(total, [1 if k in axes else s for k, s in enumerate(a.shape)])

    def mean(self, a: Any, *, axis: Axis = None, keepdims: bool = False) -> Array:
        a = self.asarray(a)
        return self.sum(a, axis=axis, keepdims=keepdims) / prod(a.shape[k] for k in self._axes(a, axis))

    def var(self, a: Any, *, axis: Axis = None, correction: int = 0, keepdims: bool = False) -> Array:
        a = self.asarray(a)
        centred = a - self.mean(a, axis=axis, keepdims=True)
        total = self.sum(centred * centred, axis=axis, keepdims=keepdims)
        return total / (prod(a.shape[k] for k in self._axes(a, axis)) - correction)

    def max(self, a: Any, *, axis: Axis = None, keepdims: bool = False, kind: str = "max") -> Array:
        """The largest entry; which it is must be certain, ties go by the convention of this `kind`."""
        a = self.asarray(a)
        axes = self._axes(a, axis)
        rest = tuple(k for k in range(a.ndim) if k not in axes)
        rows = self.reshape(self.permute_dims(a, (*rest, *axes)), (prod(a.shape[k] for k in rest), -1))
        best = self.reshape(self._largest(rows, kind, (a.value, axes)), [a.shape[k] for k in rest])
        return self._kept(best, a, axes) if keepdims else best

    def min(self, a: Any, *, axis: Axis = None, keepdims: bool = False) -> Array:
        return self.negative(self.max(self.negative(a), axis=axis, keepdims=keepdims))

    def _largest(self, rows: Array, kind: str, of: Choice) -> Array:
        """The largest entry of each row: found in floats, then certified against all others."""
        m, k = rows.shape
        at = np.arange(m)
        first = np.argmax(self.alg.floats(rows.value), axis=1)
        best = self.index(rows, (at, first))
        if k == 1:
            return best
        others = np.stack([np.delete(np.arange(k), i) for i in first])
        lead = self.alg.sign(self.subtract(self.expand_dims(best, axis=1), rows[at[:, None], others]).value)
        if (lead < 0).any():
            raise Undecidable("which entry is the largest is not decided: the case sits on a tie, or needs more bits")
        if (lead > 0).all():
            return best
        tied = np.zeros((m, k), dtype=bool)
        tied[at[:, None], others] = lead == 0
        weights = shared(kind, self.framework, first, tied)
        if weights is not None:
            counts = weights.sum(axis=1)
            return self.sum(self.where(weights, rows, 0.0), axis=1) / counts
        weights = self.alg.settle(np.where(tied, np.nan, 0.0), of)
        for j in range(k):
            best = self.where(weights[:, j], rows[:, j], best)
        return best
