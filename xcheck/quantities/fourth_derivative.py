"""The fourth derivative along the case's tangent, of the loss, or of the outputs where there is none."""

from __future__ import annotations

from xcheck.quantities import _line
from xcheck.quantity import Quantity

FOURTH_DERIVATIVE = Quantity(
    name="fourth_derivative",
    formula="d^4/dt^4 L(theta + t v) at t = 0",
    shape="",
    wrt="params",
    order=4,
    reference=lambda exact: exact.fourth_derivative(),
    guard=lambda probe, claimed: probe.fourth_derivative(claimed),
    flops=lambda s: 2 * s.forward,
    bytes=lambda s: 2 * s.itemsize * s.p,
)


_line.register("fourth_derivative", order=4)
