"""Reductions."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from xcheck._errors import CaseError, Undecidable
from xcheck.exact.algebra import Choice
from xcheck.exact.conventions import shared
from xcheck.exact.namespace.array import Array
from xcheck.exact.namespace.condition import Condition
from xcheck.exact.namespace.core import Axis
from xcheck.exact.namespace.integers import IntegerArray
from xcheck.exact.namespace.products import Products


class Reductions(Products):
    """Sums, products, moments, and the largest entry."""

    def _axes(self, a: Any, axis: Axis) -> tuple[int, ...]:
        return tuple(sorted(self.axes(a, axis)))

    def sum(self, a: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
        a = self.placed(a)
        axes = self._axes(a, axis)
        if isinstance(a, (IntegerArray, Condition)):
            counts = a.value if isinstance(a, IntegerArray) else a.decided().astype(np.int64)
            return IntegerArray(self, np.sum(counts.astype(object), axis=axes, keepdims=keepdims))
        if self._terms(a, axes) == 0:
            total = self.real(np.zeros([size for k, size in enumerate(a.shape) if k not in axes]))
        else:
            total = Array(self, self.alg.sum(a.value, axes)) if axes else a
        return self._kept(total, a, axes) if keepdims else total

    def _terms(self, a: Any, axes: tuple[int, ...]) -> int:
        return prod(a.shape[k] for k in axes)

    def _kept(self, total: Any, a: Any, axes: tuple[int, ...]) -> Any:
        return self.reshape(total, [1 if k in axes else s for k, s in enumerate(a.shape)])

    def _filled(self, a: Any, axes: tuple[int, ...], what: str) -> int:
        """The number of terms, of which there must be one."""
        terms = self._terms(a, axes)
        if terms == 0:
            raise CaseError(f"the {what} over axes {axes} of an array of shape {a.shape} is one of no entries")
        return terms

    def mean(self, a: Any, *, axis: Axis = None, keepdims: bool = False) -> Array:
        a = self.real(a)
        terms = self._filled(a, self._axes(a, axis), "mean")
        return self.sum(a, axis=axis, keepdims=keepdims) / terms

    def var(self, a: Any, *, axis: Axis = None, correction: float = 0, keepdims: bool = False) -> Array:
        a = self.real(a)
        left = self._filled(a, self._axes(a, axis), "variance") - correction
        centred = a - self.mean(a, axis=axis, keepdims=True)
        return self.sum(centred * centred, axis=axis, keepdims=keepdims) / left

    def prod(self, a: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
        a = self.placed(a)
        if isinstance(a, Condition):
            raise self.no_number()
        axes = self._axes(a, axis)
        rest = tuple(k for k in range(a.ndim) if k not in axes)
        rows = self.reshape(self.permute_dims(a, (*axes, *rest)), (self._terms(a, axes), *(a.shape[k] for k in rest)))
        total = rows[0] if len(rows) else self.add(self.sum(rows, axis=0), 1)
        for k in range(1, rows.shape[0]):
            total = self.multiply(total, rows[k])
        return self._kept(total, a, axes) if keepdims else total

    def cumulative_sum(self, a: Any, *, axis: int | None = None) -> Any:
        a = self.placed(a)
        if axis is None and a.ndim != 1:
            raise CaseError(f"cumulative_sum of shape {a.shape} needs an axis")
        (along,) = self.axes(a, axis)
        rows = self.moveaxis(a, along, 0)
        if not len(rows):
            return a
        sums = [rows[0]]
        for k in range(1, len(rows)):
            sums.append(self.add(sums[-1], rows[k]))
        return self.moveaxis(self.stack(sums), 0, along)

    def max(self, a: Any, *, axis: Axis = None, keepdims: bool = False, kind: str = "max") -> Any:
        """The largest entry; which it is must be certain, ties go by the convention of this `kind`."""
        a = self.placed(a)
        axes = self._axes(a, axis)
        self._filled(a, axes, "largest entry")
        if isinstance(a, Condition):
            raise self.no_number()
        if isinstance(a, IntegerArray):
            return IntegerArray(self, np.max(a.value, axis=axes, keepdims=keepdims))
        a = self.real(a)
        rest = tuple(k for k in range(a.ndim) if k not in axes)
        rows = self.reshape(
            self.permute_dims(a, (*rest, *axes)), (prod(a.shape[k] for k in rest), self._terms(a, axes))
        )
        best = self.reshape(self._largest(rows, kind, (a.value, axes)), [a.shape[k] for k in rest])
        return self._kept(best, a, axes) if keepdims else best

    def min(self, a: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
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
            best = self._select(weights[:, j], rows[:, j], best)
        return best
