"""The product of the Jacobian with the case's tangent, in the tree and shape of the outputs."""

from __future__ import annotations

from xcheck.quantity import Quantity

JVP = Quantity(
    name="jvp",
    formula="J v, v the tangent of the parameters, or of all arguments where wrt names some",
    shape="n c",
    wrt="params",
    order=1,
    reference=lambda exact: exact.jvp(),
    guard=lambda probe, claimed: probe.jvp(claimed),
    flops=lambda s: 2 * s.forward,
    bytes=lambda s: s.itemsize * (s.n * s.c + 2 * s.p),
)
