"""References built by hand, exact integers with a chosen rounding scale: what the tests of the judge compare with."""

from __future__ import annotations

import numpy as np

import xcheck
from xcheck._reference import Leaf, Reference


def leaf(value, scale=None, radius=0.0, low=0.0) -> Leaf:
    R = np.array(value, dtype=np.float64)
    S = np.abs(R) if scale is None else np.array(scale, dtype=np.float64) * np.ones_like(R)
    return Leaf(value=R, low=low * np.ones_like(R), radius=radius * np.ones_like(R), scale=S)


def reference(
    value, quantity="gradient", case="linear_gaussian", margin=np.inf, status="certified", **options
) -> Reference:
    """A bare value, or a dict of path to value; S = |R| unless `scale` says otherwise."""
    leaves = {path: leaf(v, **options) for path, v in (value if isinstance(value, dict) else {"": value}).items()}
    return Reference(case, quantity, "float64", leaves, margin, status)


R = np.array([3.0, -7.0, 1024.0])


def no_others(quantity):
    """These references are of no case, so that nothing else explains them."""


def verdict(actual, truth=None, *, dtype="float64", case="linear_gaussian", quantity="gradient", **options):
    truth = reference(R) if truth is None else truth
    return xcheck.judge(actual, case, quantity, dtype=dtype, reference=truth, related=no_others, **options)
