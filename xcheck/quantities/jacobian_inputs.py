"""The Jacobian of the outputs by the inputs, per example."""

from __future__ import annotations

from xcheck.quantity import Quantity

JACOBIAN_INPUTS = Quantity(
    name="jacobian_inputs",
    formula="J[n, c, d] = d f_c(theta, x_n) / d x_nd",
    shape="n c d",
    wrt="inputs",
    order=1,
    reference=lambda exact: exact.jacobian("inputs"),
    guard=lambda probe, claimed: probe.jacobian(claimed, "inputs"),
    flops=lambda s: s.n * s.c * s.d,
    bytes=lambda s: s.itemsize * s.n * s.c * s.d,
)
