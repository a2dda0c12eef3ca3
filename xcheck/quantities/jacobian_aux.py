"""The Jacobian by the inputs together with the aux of the same evaluation, under `aux/...`."""

from __future__ import annotations

from xcheck.quantity import Quantity

JACOBIAN_AUX = Quantity(
    name="jacobian_aux",
    formula="(J[n, c, d], aux)",
    shape="n c d",
    wrt="inputs",
    order=1,
    reference=lambda exact: {**exact.jacobian("inputs"), **exact.aux()},
    guard=lambda probe, claimed: [*probe.jacobian(claimed, "inputs"), *probe.aux(claimed)],
    flops=lambda s: s.n * s.c * s.d,
    bytes=lambda s: s.itemsize * s.n * s.c * s.d,
)
