"""The gradient of the loss, flat in canonical order."""

from __future__ import annotations

from xcheck.quantity import Quantity

GRADIENT = Quantity(
    name="gradient",
    formula="grad L(theta), L = r sum_n l_n",
    shape="p",
    wrt="params",
    order=1,
    reference=lambda exact: {"": exact.gradient()},
    guard=lambda probe, claimed: probe.gradient(claimed[""]),
    flops=lambda s: 2 * s.forward,
    bytes=lambda s: 2 * s.itemsize * s.p,
    needs_loss=True,
)
