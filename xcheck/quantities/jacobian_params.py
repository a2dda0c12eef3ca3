"""The Jacobian of the outputs by the parameters, per example."""

from __future__ import annotations

from xcheck.quantity import Quantity

JACOBIAN_PARAMS = Quantity(
    name="jacobian_params",
    formula="J[n, c, p] = d f_c(theta, x_n) / d theta_p",
    shape="n c p",
    wrt="params",
    order=1,
    reference=lambda exact: exact.jacobian("params"),
    guard=lambda probe, claimed: probe.jacobian(claimed, "params"),
    flops=lambda s: s.forward,
    bytes=lambda s: s.itemsize * s.n * s.c * s.p,
)
