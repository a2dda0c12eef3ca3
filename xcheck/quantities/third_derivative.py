"""The third derivative along the case's tangent, of the loss, or of the outputs where there is none."""

from __future__ import annotations

from xcheck.quantities import _line
from xcheck.quantity import Quantity

THIRD_DERIVATIVE = Quantity(
    name="third_derivative",
    formula="d^3/dt^3 L(theta + t v) at t = 0",
    shape="",
    wrt="params",
    order=3,
    reference=lambda exact: exact.third_derivative(),
    guard=lambda probe, claimed: probe.third_derivative(claimed),
    flops=lambda s: 2 * s.forward,
    bytes=lambda s: 2 * s.itemsize * s.p,
)


_line.register("third_derivative", order=3)
