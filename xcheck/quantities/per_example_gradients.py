"""The gradient of every example's share of the loss; they sum to the gradient."""

from __future__ import annotations

from xcheck.quantity import Quantity

PER_EXAMPLE_GRADIENTS = Quantity(
    name="per_example_gradients",
    formula="g[n, p] = r d l_n / d theta_p",
    shape="n p",
    wrt="params",
    order=1,
    reference=lambda exact: {"": exact.per_example_gradients()},
    guard=lambda probe, claimed: probe.per_example_gradients(claimed[""]),
    flops=lambda s: 2 * s.forward,
    bytes=lambda s: s.itemsize * (s.n + 1) * s.p,
    needs_loss=True,
)
