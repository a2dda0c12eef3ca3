"""Products of matrices and of vectors."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from xcheck._errors import CaseError
from xcheck.exact.namespace.array import Array
from xcheck.exact.namespace.condition import Condition
from xcheck.exact.namespace.core import common_shape, whole
from xcheck.exact.namespace.elementwise import Elementwise
from xcheck.exact.namespace.integers import IntegerArray, unbounded


class Products(Elementwise):
    """`matmul`, and what is a matrix product after some reshaping."""

    def sum(self, a: Any, *, axis: Any = None, keepdims: bool = False) -> Any:
        raise NotImplementedError

    def matmul(self, a: Any, b: Any) -> Any:
        a, b = self.placed(a), self.placed(b)
        if isinstance(a, Condition) and isinstance(b, Condition):
            raise self.no_number()
        if not a.ndim or not b.ndim or a.shape[-1] != b.shape[max(b.ndim - 2, 0)]:
            raise CaseError(f"matmul of shapes {a.shape} and {b.shape}: the last axis must meet the last but one")
        if a.ndim == 1 and b.ndim == 1:
            return self.reshape(self.matmul(self.reshape(a, (1, -1)), self.reshape(b, (-1, 1))), ())
        if a.ndim == 1:
            return self.matmul(self.reshape(a, (1, -1)), b)[..., 0, :]
        if b.ndim == 1:
            return self.matmul(a, self.reshape(b, (-1, 1)))[..., 0]
        shape = (*common_shape(a.shape[:-2], b.shape[:-2]), a.shape[-2], b.shape[-1])
        if isinstance(a, IntegerArray) and isinstance(b, IntegerArray):
            return IntegerArray(self, unbounded("matmul", a.value, b.value))
        if 0 in (*shape, a.shape[-1]):
            return self.real(np.zeros(shape))
        axes = max(a.ndim, b.ndim)
        a = self.real(self.reshape(a, (*[1] * (axes - a.ndim), *a.shape)))
        b = self.real(self.reshape(b, (*[1] * (axes - b.ndim), *b.shape)))
        return Array(self, self.alg.matmul(a.value, b.value))

    def outer(self, a: Any, b: Any) -> Any:
        a, b = self.placed(a), self.placed(b)
        if a.ndim != 1 or b.ndim != 1:
            raise CaseError(f"outer is of two vectors, not of shapes {a.shape} and {b.shape}")
        return self.multiply(self.expand_dims(a, axis=1), b)

    def vecdot(self, a: Any, b: Any, *, axis: int = -1) -> Any:
        return self.sum(self.multiply(a, b), axis=axis)

    def tensordot(self, a: Any, b: Any, *, axes: Any = 2) -> Any:
        """`sum_k a[i, k] b[k, j]`, k over the last axes of a and the first of b, or over axes given for each."""
        a, b = self.placed(a), self.placed(b)
        if isinstance(axes, (tuple, list)):
            of_a, of_b = (self.axes(x, part) for x, part in zip((a, b), axes, strict=True))
        else:
            count = whole(axes, "the number of axes")
            if not 0 <= count <= min(a.ndim, b.ndim):
                raise CaseError(f"tensordot over {count} axes of shapes {a.shape} and {b.shape}")
            of_a, of_b = tuple(range(a.ndim - count, a.ndim)), tuple(range(count))
        if [a.shape[k] for k in of_a] != [b.shape[k] for k in of_b]:
            raise CaseError(f"tensordot of shapes {a.shape} and {b.shape}: axes {of_a} and {of_b} have other sizes")
        rows, columns = ([k for k in range(x.ndim) if k not in of] for x, of in ((a, of_a), (b, of_b)))
        shape = (*(a.shape[k] for k in rows), *(b.shape[k] for k in columns))
        inner = prod(a.shape[k] for k in of_a)
        left = self.reshape(self.permute_dims(a, (*rows, *of_a)), (prod(a.shape[k] for k in rows), inner))
        right = self.reshape(self.permute_dims(b, (*of_b, *columns)), (inner, prod(b.shape[k] for k in columns)))
        return self.reshape(self.matmul(left, right), shape)
