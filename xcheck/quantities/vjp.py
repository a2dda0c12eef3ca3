"""The product of the case's cotangents with the Jacobian, summed over outputs; flat in canonical order."""

from __future__ import annotations

from xcheck.quantity import Quantity

VJP = Quantity(
    name="vjp",
    formula="J^T w, by the parameters (p,), or an array for each argument where wrt names some",
    shape="p",
    wrt="params",
    order=1,
    reference=lambda exact: exact.vjp(),
    guard=lambda probe, claimed: probe.vjp(claimed),
    flops=lambda s: 2 * s.forward,
    bytes=lambda s: s.itemsize * (s.n * s.c + 2 * s.p),
)
