"""What a reference costs, and how sharp it is: CPU seconds and the largest radius over the largest entry.

python docs/experiments/cost.py [CASE [QUANTITY ...]]

A case may also be the widths of a tanh network, as 784-256-10: with cross-entropy, and 64 examples.

Quantities that are named together share what they have in common, a Jacobian for instance, as they do where references
are made: the first that needs it pays for it.
"""

from __future__ import annotations

import sys
import time
from itertools import pairwise
from typing import Any

import xcheck
from xcheck import Case, Integers, Normal
from xcheck.exact.balls import Balls, precision
from xcheck.exact.derivatives import Derivatives
from xcheck.exact.probe import Probe, overlap
from xcheck.program import Linear, Sequential, Tanh, cross_entropy
from xcheck.quantities import load_quantities

N = 64


def network(widths: list[int]) -> Case:
    """A tanh network with softmax cross-entropy."""
    layers = [layer for d, h in pairwise(widths) for layer in (Linear(d, h), Tanh())][:-1]
    program = Sequential(*layers)
    return Case(
        name="net_" + "_".join(map(str, widths)),
        program=program,
        params=program.init(seed=1),
        inputs={"x": Normal((N, widths[0]), seed=2)},
        targets=Integers((N,), seed=3, low=0, high=widths[-1]),
        loss=cross_entropy(),
        quantities=("value", "gradient", "jvp", "vjp", "hvp", "ggnvp"),
        doc="a tanh network with softmax cross-entropy",
    )


def main(case: str = "tanh_mlp", *names: str) -> None:
    quantities = load_quantities()
    declared = network([int(width) for width in case.split("-")]) if "-" in case else xcheck.load_cases()[case]
    with precision(128):
        exact = Derivatives(declared, Balls())
    print(f"{'quantity':>20}  {'balls':>7}  {'guard':>7}  {'radius':>8}")
    for name in names or declared.quantities:
        with precision(128):
            start = time.process_time()
            tree: dict[str, Any] = dict(quantities[name].reference(exact))
            made = time.process_time()
        with precision(256):
            faults = overlap(quantities[name].guard(Probe(declared), tree))
        guarded = time.process_time()
        entries = [z for leaf in tree.values() for z in leaf.ravel()]
        radius = max(float(z.rad()) for z in entries) / max(float(abs(z).upper()) for z in entries)
        print(f"{name:>20}  {made - start:6.2f}s  {guarded - made:6.2f}s  {radius:8.1e}  {'; '.join(faults)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
