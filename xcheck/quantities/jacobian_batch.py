"""The Jacobian of all outputs by all inputs, with the blocks across examples."""

from __future__ import annotations

from xcheck.quantity import Quantity

JACOBIAN_BATCH = Quantity(
    name="jacobian_batch",
    formula="J[n, c, m, d] = d f_c(theta, x)_n / d x_md",
    shape="n c m d",
    wrt="inputs",
    order=1,
    reference=lambda exact: exact.jacobian_batch(),
    guard=lambda probe, claimed: probe.jacobian_batch(claimed),
    flops=lambda s: s.n * s.c * s.d,
    bytes=lambda s: s.itemsize * s.n**2 * s.c * s.d,
)
