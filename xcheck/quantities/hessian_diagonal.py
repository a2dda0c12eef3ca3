"""The diagonal of the Hessian of the loss."""

from __future__ import annotations

from xcheck.quantity import Quantity

HESSIAN_DIAGONAL = Quantity(
    name="hessian_diagonal",
    formula="diag H[p] = d^2 L / d theta_p^2",
    shape="p",
    wrt="params",
    order=2,
    reference=lambda exact: {"": exact.hessian_diagonal()},
    guard=lambda probe, claimed: probe.hessian_diagonal(claimed[""]),
    flops=lambda s: 2 * s.forward,
    bytes=lambda s: 2 * s.itemsize * s.p,
    needs_loss=True,
)
