"""The Hessian of the loss by the parameters."""

from __future__ import annotations

from xcheck.quantity import Quantity

HESSIAN_PARAMS = Quantity(
    name="hessian_params",
    formula="H[p, q] = d^2 L / d theta_p d theta_q",
    shape="p p",
    wrt="params",
    order=2,
    reference=lambda exact: {"": exact.hessian()},
    guard=lambda probe, claimed: probe.hessian(claimed[""]),
    flops=lambda s: s.p * (s.p + 1) / 2,
    bytes=lambda s: s.itemsize * s.p**2,
    symmetric=True,
    needs_loss=True,
)
