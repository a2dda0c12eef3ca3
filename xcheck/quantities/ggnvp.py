"""The product of the generalised Gauss-Newton matrix with the case's tangent."""

from __future__ import annotations

from xcheck.quantity import Quantity

GGNVP = Quantity(
    name="ggnvp",
    formula="G v = sum_n J_n^T H_n J_n v",
    shape="p",
    wrt="params",
    order=1,
    reference=lambda exact: {"": exact.ggnvp()},
    guard=lambda probe, claimed: probe.ggnvp(claimed[""]),
    flops=lambda s: 3 * s.forward,
    bytes=lambda s: 3 * s.itemsize * s.p,
    needs_loss=True,
)
