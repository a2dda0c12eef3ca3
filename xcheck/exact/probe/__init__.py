"""Probe: holds what a reference claims against rule-free enclosures along random directions.

Every method yields pairs (claimed, proven) of ball arrays that must overlap. Random directions make an undetected error
need an exact cancellation; they are a probe, not a proof for each entry.
"""

from xcheck.exact.probe.first_order import FirstOrder
from xcheck.exact.probe.kfac import KroneckerProbe
from xcheck.exact.probe.overlap import overlap
from xcheck.exact.probe.second_order import SecondOrder


class Probe(FirstOrder, SecondOrder, KroneckerProbe):
    """Rule-free checks of one case: one method for each of `Derivatives`."""


__all__ = ["Probe", "overlap"]
