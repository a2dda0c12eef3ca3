"""The outputs of the program."""

from __future__ import annotations

from xcheck.quantity import Quantity

VALUE = Quantity(
    name="value",
    formula="f(theta, x)",
    shape="n c",
    wrt="none",
    order=0,
    reference=lambda exact: exact.value(),
    guard=lambda probe, claimed: probe.value(claimed),
    flops=lambda s: s.forward,
    bytes=lambda s: s.itemsize * (s.n * s.c + s.p),
)
