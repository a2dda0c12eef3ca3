"""proof: a quantity in balls that are narrow enough, and that its rule-free enclosures do not contradict."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

import flint
import numpy as np

from xcheck._errors import GuardFailed, Undecidable
from xcheck.case import Case
from xcheck.exact.arrays import ArrayAlgebra
from xcheck.exact.balls import Balls, precision
from xcheck.exact.derivatives import Derivatives
from xcheck.exact.evaluate import Outputs
from xcheck.exact.jets import KINK
from xcheck.exact.noise import rounding_scales
from xcheck.exact.probe import Probe, overlap
from xcheck.exact.rule import Rule
from xcheck.exact.ties import DrawnBalls

#: Bits of the first try and of the next, for entries that lost more than the reference may lose.
BITS = (128, 192, 320, 640, 1280)
#: Two draws of the weights of ties.
DRAWS = (1, 2)


class Prover:
    """Proofs of the quantities of one case; they share its derivatives."""

    def __init__(self, case: Case, dtype: str, framework: str | None) -> None:
        self.case, self.dtype, self.framework = case, dtype, framework
        #: Quantities whose ties were drawn.
        self.drawn: set[str] = set()
        self._exact: dict[tuple[int, int | None], Derivatives] = {}
        self._scales: dict[str, Mapping[str, flint.arb]] = {}

    def derivatives(self, alg: ArrayAlgebra) -> Derivatives:
        return Derivatives(self.case, alg, self.dtype, self.framework)

    def exact(self, bits: int, draw: int | None) -> Derivatives:
        """In balls; the caller sets the precision."""
        if (bits, draw) not in self._exact:
            self._exact[bits, draw] = self.derivatives(Balls() if draw is None else DrawnBalls(draw))
        return self._exact[bits, draw]

    def prove(self, quantity: Rule) -> Outputs:
        """The quantity in balls, guarded; at ties too, where every branch has the same.

        Raises:
            GuardFailed: it contradicts its rule-free enclosure.
            Undecidable: nothing is proven.
        """
        try:
            bits, tree = self._made(quantity, None)
            # On a kink nothing is analytic, so there is no enclosure: what is stored there is a convention.
            return tree if by_convention(self.case, quantity) else self._guarded(quantity, bits, tree, None)
        except Undecidable:
            if quantity.order == 0 or by_convention(self.case, quantity) or not self._ties(quantity):
                raise
        self.drawn.add(quantity.name)
        return self._settled(quantity)

    def _ties(self, quantity: Rule) -> bool:
        """Whether a tie was open, or a zero spared something infinite."""
        alg = DrawnBalls(DRAWS[0])
        with precision(BITS[0]), suppress(Undecidable):
            quantity.reference(self.derivatives(alg))
        return alg.met

    def _settled(self, quantity: Rule) -> Outputs:
        """What both draws have in common, as they have the value and all derivatives of lower order."""
        (bits, first), (_, second) = (self._made(quantity, draw) for draw in DRAWS)
        with precision(bits):
            values = [self.exact(bits, draw).value() for draw in (None, *DRAWS)]
        if not (_same(first, second) and all(_finite(v) and _same(values[0], v) for v in values)):
            raise Undecidable(KINK)
        with precision(2 * bits):
            below = [list(Probe(self.case, self.dtype, draw=draw).slopes(quantity)) for draw in DRAWS]
            if overlap(zip(*below, strict=True)):
                raise Undecidable(KINK)
        return self._guarded(quantity, bits, first, DRAWS[0])

    def _guarded(self, quantity: Rule, bits: int, tree: Outputs, draw: int | None) -> Outputs:
        with precision(2 * bits):
            faults = overlap(quantity.guard(Probe(self.case, self.dtype, draw=draw), tree))
        if faults:
            raise GuardFailed(f"the reference {self.case.name}/{quantity.name} contradicts its guard: {faults[0]}")
        return tree

    def _made(self, quantity: Rule, draw: int | None) -> tuple[int, Outputs]:
        """The quantity in balls, with more bits where 128 do not hold 100."""
        where, bits, tree, sizes = f"{self.case.name}/{quantity.name}", 0, {}, {}
        for bits in BITS:
            try:
                with precision(bits):
                    tree = dict(quantity.reference(self.exact(bits, draw)))
                    sizes = {path: self._size(quantity, path, tree) for path in tree}
            except Undecidable:  # a branch may be decided with more
                if bits == BITS[-1]:
                    raise
                continue
            if all(_sharp(array, sizes[path]) for path, array in tree.items()):
                break
        if not _finite(tree):
            raise Undecidable(f"{where} is not finite: a value or a derivative is infinite or undefined at this point")
        if not all(_tight(array, sizes[path]) for path, array in tree.items()):
            raise Undecidable(f"{BITS[-1]} bits do not determine {where} to 2^-100 of its largest entry")
        return bits, tree

    def _size(self, quantity: Rule, path: str, tree: Outputs) -> flint.arb:
        """The largest entry of a leaf; that of its rounding scale where all entries cancel to 0."""
        array = tree[path]
        largest = max((z.abs_lower() for z in array.ravel() if z.is_finite()), default=flint.arb(0))
        if largest > 0 or not _finite({path: array}) or all(z == 0 for z in array.ravel()):
            return largest
        if quantity.name not in self._scales:
            zeros = {path: np.zeros(a.shape) for path, a in tree.items()}
            scales = rounding_scales(self.derivatives, {quantity: zeros}, self.drawn)[quantity.name]
            self._scales[quantity.name] = {p: flint.arb(float(np.max(S, initial=0.0))) for p, S in scales.items()}
        return self._scales[quantity.name][path]


def by_convention(case: Case, quantity: Rule) -> bool:
    """Whether a framework's convention, and no theorem, says what is right."""
    return case.kinks and quantity.order > 0


def _finite(tree: Outputs) -> bool:
    return all(z.is_finite() for array in tree.values() for z in array.ravel())


def _same(a: Outputs, b: Outputs) -> bool:
    return all(x.overlaps(y) for path in a for x, y in zip(a[path].ravel(), b[path].ravel(), strict=True))


def _sharp(array: np.ndarray, size: flint.arb) -> bool:
    """Whether every radius is under 2^-100 of its entry, or under 2^-160 of the largest."""
    floor, relative = size * flint.arb(2) ** -160, flint.arb(2) ** -100
    return all(bool(z.rad() <= abs(z).upper() * relative) or bool(z.rad() <= floor) for z in array.ravel())


def _tight(array: np.ndarray, size: flint.arb) -> bool:
    """Whether every radius is under 2^-100 of the largest entry."""
    return all(bool(z.rad() <= size * flint.arb(2) ** -100) for z in array.ravel())
