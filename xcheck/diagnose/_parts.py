"""Only a part of the right result, or a function of its entries."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from xcheck.diagnose._hypothesis import Candidate, Evidence, Leaves, candidate, each, exactly

Function = Callable[[np.ndarray], np.ndarray]


def functions(evidence: Evidence, leaves: Leaves) -> Iterator[Candidate]:
    """Nothing at all; absolute values; squares; of a square matrix the projection on the positive semidefinite ones."""
    yield candidate("zero", "is zero everywhere", each(leaves, lambda x: 0 * x))
    yield candidate("absolute", "is the absolute value", mapped(leaves, np.abs))
    yield candidate("squared", "is squared entry by entry", mapped(leaves, np.square))
    if evidence.quantity.shape == "p p":
        yield candidate("clipped", "has its negative eigenvalues clipped to zero", spread(leaves, clipped))


def matrix_parts(evidence: Evidence, leaves: Leaves) -> Iterator[Candidate]:
    """A (p, p) matrix without its cross-blocks, without a triangle, with another diagonal."""
    if any(leaf.value.shape != (evidence.case.p, evidence.case.p) for leaf in leaves.values()):
        return
    names = list(evidence.blocks)
    tensor = np.repeat(np.arange(len(names)), [s.stop - s.start for s in evidence.blocks.values()])
    layers = [name.rpartition(".")[0] for name in names]
    layer = np.array([layers.index(layers[k]) for k in tensor])
    eye, below = np.eye(len(tensor), dtype=bool), np.tri(len(tensor), dtype=bool)
    kept = {
        "block_diagonal": ("misses the cross-blocks between parameter tensors", tensor[:, None] == tensor),
        "layer_diagonal": ("misses the cross-blocks between layers", layer[:, None] == layer),
        "diagonal": ("is only the diagonal, zero elsewhere", eye),
        "lower": ("is only the lower triangle", below),
        "upper": ("is only the upper triangle", below.T),
        "off_diagonal": ("has a zero diagonal", ~eye),
    }
    for name, (said, mask) in kept.items():
        yield candidate(name, said, each(leaves, lambda x, mask=mask: np.where(mask, x, 0.0)))
    yield candidate("double_diagonal", "counts its diagonal twice", each(leaves, lambda x: np.where(eye, 2 * x, x)))
    yield candidate("half_diagonal", "has half its diagonal", each(leaves, lambda x: np.where(eye, x / 2, x)))


def mapped(leaves: Leaves, function: Function) -> Leaves:
    """A function of each entry, with the relative scale of the entry."""
    found = {}
    for path, leaf in leaves.items():
        value = function(leaf.value)
        relative = np.divide(leaf.scale, np.abs(leaf.value), out=np.zeros_like(value), where=leaf.value != 0)
        found[path] = exactly(value, 2 * relative * np.abs(value))
    return found


def spread(leaves: Leaves, function: Function) -> Leaves:
    """A function of a whole matrix: its rounding is spread over all entries, in proportion to the largest."""
    found = {}
    for path, leaf in leaves.items():
        value = function(leaf.value)
        found[path] = exactly(value, np.full_like(value, np.linalg.norm(value)))
    return found


def clipped(H: np.ndarray) -> np.ndarray:
    """The nearest positive semidefinite matrix."""
    values, vectors = np.linalg.eigh((H + H.T) / 2)
    return (vectors * np.maximum(values, 0)) @ vectors.T
