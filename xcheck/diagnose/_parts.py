"""Only a part of the right result, or a function of its entries."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from xcheck.diagnose._hypothesis import Candidate, Evidence, Leaves, candidate, each, exactly

Function = Callable[[np.ndarray], np.ndarray]


def functions(evidence: Evidence, leaves: Leaves) -> Iterator[Candidate]:
    """Nothing at all; absolute values; squares; of a square matrix the projection on the positive semidefinite ones."""
    yield candidate("zero", "is zero everywhere", each(leaves, lambda x: 0 * x))
    yield candidate("absolute", "is the absolute value", each(leaves, np.abs))
    yield candidate("squared", "is squared entry by entry", squared(leaves))
    if evidence.quantity.shape == "p p":
        yield candidate("clipped", "has its negative eigenvalues clipped to zero", spread(leaves, clipped))


def matrix_parts(evidence: Evidence, leaves: Leaves) -> Iterator[Candidate]:
    """Matrices, or blocks of one, without a triangle with another diagonal; a (p, p) one without cross-blocks."""
    if any(leaf.value.ndim != 2 or len(set(leaf.value.shape)) > 1 for leaf in leaves.values()):
        return
    if all(leaf.value.size == 1 for leaf in leaves.values()):  # one number has no parts
        return
    if all(leaf.value.shape == (evidence.case.p, evidence.case.p) for leaf in leaves.values()):
        yield from without_cross_blocks(evidence, leaves)
    for name, said, part in (
        ("diagonal", "is only the diagonal, zero elsewhere", lambda x: x * np.eye(len(x))),
        ("lower", "is only the lower triangle", np.tril),
        ("upper", "is only the upper triangle", np.triu),
        ("off_diagonal", "has a zero diagonal", lambda x: x * (1 - np.eye(len(x)))),
        ("double_diagonal", "counts its diagonal twice", lambda x: x * (1 + np.eye(len(x)))),
        ("half_diagonal", "has half its diagonal", lambda x: x * (1 - np.eye(len(x)) / 2)),
    ):
        yield candidate(name, said, each(leaves, part))


def without_cross_blocks(evidence: Evidence, leaves: Leaves) -> Iterator[Candidate]:
    names = list(evidence.blocks)
    tensor = np.repeat(np.arange(len(names)), [s.stop - s.start for s in evidence.blocks.values()])
    layers = [name.rpartition(".")[0] for name in names]
    layer = np.array([layers.index(layers[k]) for k in tensor])
    kept = {
        "block_diagonal": ("misses the cross-blocks between parameter tensors", tensor[:, None] == tensor),
        "layer_diagonal": ("misses the cross-blocks between layers", layer[:, None] == layer),
    }
    for name, (said, mask) in kept.items():
        yield candidate(name, said, each(leaves, lambda x, mask=mask: np.where(mask, x, 0.0)))


def across(evidence: Evidence, leaves: Leaves) -> Iterator[Candidate]:
    """A whole-batch Jacobian without the blocks across examples; what is square and need not be symmetric, made so."""
    if evidence.letters == ["n", "c", "m", "d"]:
        own = np.eye(evidence.case.n)[:, None, :, None]
        yield candidate("own_examples", "misses the blocks across examples", each(leaves, lambda x: x * own))
    if all(leaf.value.ndim > 1 and len(set(leaf.value.shape[-2:])) == 1 for leaf in leaves.values()):
        mean = {
            path: exactly(*((x + np.swapaxes(x, -1, -2)) / 2 for x in (leaf.value, leaf.scale)))
            for path, leaf in leaves.items()
        }
        yield candidate("symmetrised", "is symmetrised: the mean with its transpose", mean)


def squared(leaves: Leaves) -> Leaves:
    """The square of each entry, with twice the relative scale of the entry."""
    return {path: exactly(leaf.value**2, 2 * leaf.scale * np.abs(leaf.value)) for path, leaf in leaves.items()}


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
