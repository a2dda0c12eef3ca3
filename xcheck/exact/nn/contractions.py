"""einsum of one or two arrays, by transposes and one matrix product."""

from __future__ import annotations

from math import prod
from typing import Any

from xcheck._errors import UsageError

__all__ = ["einsum"]

Array = Any  # xcheck.exact.namespace.Array


def einsum(xp: Any, formula: str, *arrays: Array) -> Array:
    """`einsum("nhqd,nhkd->nhqk", a, b)`: letters that are missing on the right are summed over.

    Raises:
        UsageError: no "->", a letter twice in one array, more than two arrays, or arrays that the letters do not fit.
    """
    left, arrow, out = formula.replace(" ", "").partition("->")
    terms = left.split(",")
    if not arrow or len(terms) != len(arrays) or len(terms) > 2 or any(len(set(t)) < len(t) for t in (*terms, out)):
        raise UsageError(
            f'einsum {formula!r}: expected one or two arrays with distinct letters each and a "->", as in "ij,jk->ik"'
        )
    sizes = {(c, size) for t, m in zip(terms, arrays, strict=True) for c, size in zip(t, m.shape, strict=False)}
    if any(len(t) != m.ndim for t, m in zip(terms, arrays, strict=True)) or len(sizes) > len({c for c, _ in sizes}):
        raise UsageError(f"einsum {formula!r} does not fit arrays of shapes {', '.join(str(m.shape) for m in arrays)}")
    if not set(out) <= set(left):
        raise UsageError(f"einsum {formula!r}: a letter on the right stands nowhere on the left")
    if len(terms) == 1:
        return _ordered(xp, *_summed(xp, terms[0], arrays[0], out), out)
    (a, x), (b, y) = (_summed(xp, t, m, out + terms[1 - k]) for k, (t, m) in enumerate(zip(terms, arrays, strict=True)))
    size = dict(zip(a, x.shape, strict=True)) | dict(zip(b, y.shape, strict=True))
    batch = [c for c in a if c in b and c in out]
    inner = [c for c in a if c in b and c not in out]
    rows, columns = [c for c in a if c not in b], [c for c in b if c not in a]

    def folded(letters: str, m: Array, first: list[str], second: list[str]) -> Array:
        shape = (*(size[c] for c in batch), prod(size[c] for c in first), prod(size[c] for c in second))
        return xp.reshape(_ordered(xp, letters, m, "".join(batch + first + second)), shape)

    product = xp.matmul(folded(a, x, rows, inner), folded(b, y, inner, columns))
    letters = "".join(batch + rows + columns)
    return _ordered(xp, letters, xp.reshape(product, [size[c] for c in letters]), out)


def _summed(xp: Any, letters: str, m: Array, kept: str) -> tuple[str, Array]:
    axes = tuple(k for k, c in enumerate(letters) if c not in kept)
    return "".join(c for c in letters if c in kept), xp.sum(m, axis=axes) if axes else m


def _ordered(xp: Any, letters: str, m: Array, wanted: str) -> Array:
    axes = tuple(letters.index(c) for c in wanted)
    return m if axes == tuple(range(len(axes))) else xp.permute_dims(m, axes)
