"""Derivatives of a case in one algebra: what the reference rules of the quantities are written in.

Forward jets give Jacobians and derivatives along a direction, a tape gives products from the left, and a tape over
first-order jets the Hessian and its products.
"""

from xcheck.exact.derivatives.hessians import Hessians
from xcheck.exact.derivatives.higher import HigherOrder
from xcheck.exact.derivatives.kfac import KroneckerFactors
from xcheck.exact.derivatives.streamed import Streamed


class Derivatives(Hessians, Streamed, KroneckerFactors, HigherOrder):
    """The derivatives of one case in the algebra `alg`; results are arrays of its values in canonical shape."""


__all__ = ["Derivatives"]
