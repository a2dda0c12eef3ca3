"""Probe: holds what a reference claims against rule-free enclosures along random directions.

Every method yields pairs (claimed, proven) of ball arrays that must overlap. Random directions make an undetected error
need an exact cancellation; they are a probe, not a proof for each entry.
"""

from collections.abc import Iterator
from itertools import product

import numpy as np

from xcheck.exact.probe.first_order import FirstOrder
from xcheck.exact.probe.kfac import KroneckerProbe
from xcheck.exact.probe.overlap import overlap
from xcheck.exact.probe.second_order import SecondOrder
from xcheck.exact.rule import Rule


class Probe(FirstOrder, SecondOrder, KroneckerProbe):
    """Rule-free checks of one case: one method for each of `Derivatives`."""

    def slopes(self, quantity: Rule) -> Iterator[np.ndarray]:
        """Enclosures of the first derivative and of all below those of a quantity, along lines that move all it is of.

        Raises:
            Undecidable: the program is not analytic along such a line.
        """
        lines = [{name: self.direction(self.values.inputs[name]) for name in self.case.arguments}]
        if quantity.wrt == "params":
            lines = [self.split(self.direction_params()), *([] if self.along_params else lines)]
        for moves, order in product(lines, range(1, max(quantity.order, 2))):
            if quantity.needs_loss:
                yield self.loss_slope(moves, order)
            else:
                yield from (self.slope(output, moves, order) for output in self.names())


__all__ = ["Probe", "overlap"]
