"""The product of the Hessian of the loss with the case's tangent."""

from __future__ import annotations

from xcheck.quantity import Quantity

HVP = Quantity(
    name="hvp",
    formula="H v",
    shape="p",
    wrt="params",
    order=2,
    reference=lambda exact: {"": exact.hvp()},
    guard=lambda probe, claimed: probe.hvp(claimed[""]),
    flops=lambda s: 4 * s.forward,
    bytes=lambda s: 3 * s.itemsize * s.p,
    needs_loss=True,
)
