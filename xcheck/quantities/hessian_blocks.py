"""The diagonal blocks of the Hessian of the loss, one for each parameter array, under its name."""

from __future__ import annotations

from xcheck.quantity import Quantity

HESSIAN_BLOCKS = Quantity(
    name="hessian_blocks",
    formula="H_bb = d^2 L / d theta_b^2, b one parameter array",
    shape="b b",
    wrt="params",
    order=2,
    reference=lambda exact: exact.hessian_blocks(),
    guard=lambda probe, claimed: probe.hessian_blocks(claimed),
    flops=lambda s: s.p,
    bytes=lambda s: s.itemsize * s.p,
    needs_loss=True,
)
