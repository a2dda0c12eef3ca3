"""The empirical Fisher matrix, scaled as the loss."""

from __future__ import annotations

from xcheck.quantity import Quantity

EMPIRICAL_FISHER = Quantity(
    name="empirical_fisher",
    formula="F = r sum_n grad l_n grad l_n^T",
    shape="p p",
    wrt="params",
    order=1,
    reference=lambda exact: {"": exact.empirical_fisher()},
    guard=lambda probe, claimed: probe.empirical_fisher(claimed[""]),
    flops=lambda s: s.p * (s.p + 1) / 2,
    bytes=lambda s: s.itemsize * s.p**2,
    symmetric=True,
    psd=True,
    needs_loss=True,
)
