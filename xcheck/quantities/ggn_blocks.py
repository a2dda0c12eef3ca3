"""The diagonal blocks of the generalised Gauss-Newton matrix, one for each parameter array, under its name."""

from __future__ import annotations

from xcheck.quantity import Quantity

GGN_BLOCKS = Quantity(
    name="ggn_blocks",
    formula="G_bb = sum_n J_nb^T H_n J_nb, b one parameter array",
    shape="b b",
    wrt="params",
    order=1,
    reference=lambda exact: exact.ggn_blocks(),
    guard=lambda probe, claimed: probe.ggn_blocks(claimed),
    flops=lambda s: s.p,
    bytes=lambda s: s.itemsize * s.p,
    needs_loss=True,
)
