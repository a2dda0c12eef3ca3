"""The generalised Gauss-Newton matrix of the loss."""

from __future__ import annotations

from xcheck.quantity import Quantity

GGN = Quantity(
    name="ggn",
    formula="G = sum_n J_n^T H_n J_n, H_n = r d^2 l_n / d f^2",
    shape="p p",
    wrt="params",
    order=1,
    reference=lambda exact: {"": exact.ggn()},
    guard=lambda probe, claimed: probe.ggn(claimed[""]),
    flops=lambda s: s.p * (s.p + 1) / 2,
    bytes=lambda s: s.itemsize * s.p**2,
    symmetric=True,
    psd=True,
    needs_loss=True,
)
