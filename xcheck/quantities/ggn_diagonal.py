"""The diagonal of the generalised Gauss-Newton matrix."""

from __future__ import annotations

from xcheck.quantity import Quantity

GGN_DIAGONAL = Quantity(
    name="ggn_diagonal",
    formula="diag G[p] = sum_n J_n[:, p]^T H_n J_n[:, p]",
    shape="p",
    wrt="params",
    order=1,
    reference=lambda exact: {"": exact.ggn_diagonal()},
    guard=lambda probe, claimed: probe.ggn_diagonal(claimed[""]),
    flops=lambda s: s.forward,
    bytes=lambda s: 2 * s.itemsize * s.p,
    needs_loss=True,
)
