"""The trace of the Hessian of the loss."""

from __future__ import annotations

from xcheck.quantity import Quantity

HESSIAN_TRACE = Quantity(
    name="hessian_trace",
    formula="tr H = sum_p d^2 L / d theta_p^2",
    shape="",
    wrt="params",
    order=2,
    reference=lambda exact: {"": exact.hessian_trace()},
    guard=lambda probe, claimed: probe.hessian_trace(claimed[""]),
    flops=lambda s: 2 * s.forward,
    bytes=lambda s: s.itemsize * s.p,
    needs_loss=True,
)
