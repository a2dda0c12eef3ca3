"""The diagonal of the empirical Fisher matrix."""

from __future__ import annotations

from xcheck.quantity import Quantity

EMPIRICAL_FISHER_DIAGONAL = Quantity(
    name="empirical_fisher_diagonal",
    formula="diag F[p] = r sum_n (d l_n / d theta_p)^2",
    shape="p",
    wrt="params",
    order=1,
    reference=lambda exact: {"": exact.empirical_fisher_diagonal()},
    guard=lambda probe, claimed: probe.empirical_fisher_diagonal(claimed[""]),
    flops=lambda s: 2 * s.forward,
    bytes=lambda s: 2 * s.itemsize * s.p,
    needs_loss=True,
)
