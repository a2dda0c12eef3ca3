"""The Hessian of the outputs by the inputs, per example."""

from __future__ import annotations

from xcheck.quantity import Quantity

HESSIAN_INPUTS = Quantity(
    name="hessian_inputs",
    formula="H[n, c, d, e] = d^2 f_c(theta, x_n) / d x_nd d x_ne",
    shape="n c d d",
    wrt="inputs",
    order=2,
    reference=lambda exact: exact.hessian_inputs(),
    guard=lambda probe, claimed: probe.hessian_inputs(claimed),
    flops=lambda s: s.n * s.c * s.d * (s.d + 1) / 2,
    bytes=lambda s: s.itemsize * s.n * s.c * s.d**2,
)
