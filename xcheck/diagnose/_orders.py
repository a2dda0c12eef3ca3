"""The right numbers in the wrong places: parameters, layouts, axes, examples, outputs, arguments."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, permutations

import numpy as np

from xcheck._convention import parameter_order
from xcheck.diagnose._hypothesis import Candidate, Evidence, Leaves, candidate, each

#: More layers, axes or outputs have too many orders to try.
LAYERS = AXES = OUTPUTS = 4


def parameters(evidence: Evidence, leaves: Leaves) -> Iterator[Candidate]:
    """Another order of theta, or weights stored by column."""
    axes = evidence.axes("p")
    if not axes:
        return
    texts = {"torch": "", "sorted": "parameters in sorted order, as JAX's dicts", "bias_first": "bias before weight"}
    for params, said in texts.items():
        for weight in ("row", "column"):
            text = " and ".join(
                part for part in (said, "weights by column (transposed)" * (weight == "column")) if part
            )
            if text:
                order = np.argsort(parameter_order(evidence.case, params, weight))
                name = "params_order" if said else "weight_layout"
                yield candidate(name, f"has its {text}", taken(leaves, order, axes), params if said else weight)
    yield candidate(
        "params_order", "has theta reversed", taken(leaves, np.arange(evidence.case.p)[::-1], axes), "reversed"
    )
    for shift in (1, -1):
        text = f"has theta shifted by {shift}"
        yield candidate("params_order", text, taken(leaves, np.roll(np.arange(evidence.case.p), shift), axes), shift)
    names = list(evidence.blocks)
    reverse = np.concatenate([np.r_[evidence.blocks[name]] for name in names[::-1]])
    yield candidate(
        "params_order", "has its parameter tensors in reverse order", taken(leaves, reverse, axes), "reversed"
    )
    yield from layers(evidence, leaves, axes)


def layers(evidence: Evidence, leaves: Leaves, axes: list[int]) -> Iterator[Candidate]:
    """The layers in another order, that of the forward pass for instance, where a module registers its head first."""
    of_layer: dict[str, list[np.ndarray]] = {}
    for name, block in evidence.blocks.items():
        of_layer.setdefault(name.rpartition(".")[0], []).append(np.r_[block])
    if len(of_layer) > LAYERS:
        return
    for order in list(permutations(of_layer))[1:]:
        entries = np.concatenate([block for layer in order for block in of_layer[layer]])
        text = f"has its layers in the order {', '.join(order)}"
        yield candidate("params_order", text, taken(leaves, entries, axes), ", ".join(order))


def one_weight(evidence: Evidence, leaves: Leaves) -> Iterator[Candidate]:
    """One weight's block transposed; of a matrix also along one axis alone."""
    axes, values = evidence.axes("p"), evidence.case.values().params
    for name, block in evidence.blocks.items():
        if values[name].ndim < 2:
            continue
        order = np.arange(evidence.case.p)
        order[block] = order[block].reshape(values[name].shape).ravel(order="F")
        for chosen in [axes, *([axis] for axis in axes if len(axes) > 1)]:
            side = "" if chosen == axes else f" along axis {chosen[0]} only"
            text = f"has the block of {name} transposed (column-major){side}"
            yield candidate("transposed_block", text, taken(leaves, order, chosen), name)


def layout(evidence: Evidence, leaves: Leaves) -> Iterator[Candidate]:
    """Axes in another order under the right shape."""
    ndim = max(leaf.value.ndim for leaf in leaves.values())
    for order in list(permutations(range(ndim)))[1:] if ndim <= AXES else exchanges(ndim):

        def moved(x: np.ndarray, order: tuple[int, ...] = order) -> np.ndarray:
            return x.transpose(order).reshape(x.shape) if x.ndim == len(order) else x

        said = ", ".join(axis_name(evidence, k) for k in order)
        name = "transpose" if ndim == 2 else "axes"
        text = "is the transpose" if ndim == 2 else f"has its entries in the order ({said}), reshaped"
        yield candidate(name, text, each(leaves, moved), said)


def exchanges(ndim: int) -> Iterator[tuple[int, ...]]:
    """The orders in which two axes are exchanged.

    >>> list(exchanges(3))
    [(1, 0, 2), (2, 1, 0), (0, 2, 1)]
    """
    for a, b in combinations(range(ndim), 2):
        order = list(range(ndim))
        order[a], order[b] = b, a
        yield tuple(order)


def axis_name(evidence: Evidence, axis: int) -> str:
    """Its letter, numbered where several axes have the same one."""
    letters = evidence.letters
    if axis >= len(letters):
        return str(axis)
    same = evidence.axes(letters[axis])
    return letters[axis] + (str(same.index(axis) + 1) if len(same) > 1 else "")


def examples(evidence: Evidence, leaves: Leaves) -> Iterator[Candidate]:
    """Examples shifted, reversed, exchanged; all the same."""
    if not evidence.axes("n") or evidence.case.n < 2:
        return
    for shift in (1, -1):
        text = f"has its examples shifted by {shift}: row k holds example k {'-' if shift > 0 else '+'} 1"
        yield candidate("shifted_examples", text, each(leaves, lambda x, s=shift: np.roll(x, s, axis=0)), shift)
    yield candidate("reversed_examples", "has its examples in reverse order", each(leaves, lambda x: x[::-1]))
    yield candidate("first_example", "holds the first example in every row", each(leaves, lambda x: x[:1] + 0 * x))
    for name, reduce, said in (("summed", np.sum, "sum"), ("averaged", np.mean, "mean")):
        same = each(leaves, lambda x, reduce=reduce: reduce(x, axis=0, keepdims=True) + 0 * x)
        yield candidate(f"{name}_examples", f"holds the {said} over the examples in every row, not each one's", same)
    yield from exchanged(evidence, leaves, "examples", 0)


def rows(evidence: Evidence, leaves: Leaves) -> Iterator[Candidate]:
    """Rows of a (p, p) matrix exchanged."""
    if evidence.quantity.shape == "p p":
        yield from exchanged(evidence, leaves, "rows", 0)


def exchanged(evidence: Evidence, leaves: Leaves, what: str, axis: int) -> Iterator[Candidate]:
    """The order along an axis that sorts a mixture of the reference's columns as the same mixture of the result's."""
    path = max(leaves, key=lambda path: leaves[path].value.size)
    R, A = (np.moveaxis(x, axis, 0).reshape(x.shape[axis], -1) for x in (leaves[path].value, evidence.actual[path]))
    spread = np.ptp(R, axis=0)
    mixture = np.divide(np.cos(np.arange(R.shape[1])), spread, out=np.zeros_like(spread), where=spread > 0)
    order = np.empty(len(R), dtype=int)
    order[np.argsort(A @ mixture, kind="stable")] = np.argsort(R @ mixture, kind="stable")
    moved = np.flatnonzero(order != np.arange(len(order)))
    if moved.size:
        said = ", ".join(f"{k} holds {order[k]}" for k in moved[:4]) + (", ..." if len(moved) > 4 else "")
        yield candidate(f"permuted_{what}", f"has its {what} exchanged: {said}", taken(leaves, order, [axis]))


def outputs(evidence: Evidence, leaves: Leaves) -> Iterator[Candidate]:
    """Outputs or arguments exchanged: along the axis c, or between the leaves of a tree."""
    for axis in evidence.axes("c"):
        along = f" along {axis_name(evidence, axis)}" if len(evidence.axes("c")) > 1 else ""
        if all(leaf.value.ndim > axis and leaf.value.shape[axis] > OUTPUTS for leaf in leaves.values()):
            yield from exchanged(evidence, leaves, "outputs", axis)
        for c in {leaf.value.shape[axis] for leaf in leaves.values() if leaf.value.ndim > axis} - {1}:
            for order in list(permutations(range(c)))[1:] if c <= OUTPUTS else [tuple(range(c))[::-1]]:
                text = f"has its outputs in the order {list(order)}{along}"
                yield candidate("swapped_outputs", text, taken(leaves, np.array(order), [axis]))
    sides = ((0, "swapped_outputs", "outputs"), (1, "wrong_argument", "arguments"))
    # A pull-back has a leaf for each argument, and no outputs.
    for side, name, said in ((0, *sides[1][1:]),) if evidence.quantity.name == "vjp" else sides:
        keys = list(dict.fromkeys(path.partition("/")[2 * side] for path in leaves if not path.startswith("aux/")))
        for a, b in [(a, b) for a in keys for b in keys if a != b]:
            for both in (True, False):
                other = {a: b, b: a} if both else {a: b}
                moved = {path: leaves.get(renamed(path, side, other), leaves[path]) for path in leaves}
                if all(moved[path].value.shape == leaves[path].value.shape for path in leaves) and not (both and a > b):
                    text = f"has its {said} {a} and {b} exchanged" if both else f"holds {b} under {a}"
                    yield candidate(name, text, moved)


def renamed(path: str, side: int, other: dict[str, str]) -> str:
    """A path with its output (side 0) or its argument (side 1) exchanged; aux stays."""
    if path.startswith("aux/"):
        return path
    parts = path.split("/", 1)
    if side < len(parts):
        parts[side] = other.get(parts[side], parts[side])
    return "/".join(parts)


def taken(leaves: Leaves, order: np.ndarray, axes: list[int]) -> Leaves:
    """Every leaf with the entries along some axes in another order; leaves without those axes stay."""

    def moved(x: np.ndarray) -> np.ndarray:
        for axis in axes:
            x = np.take(x, order, axis=axis) if x.ndim > axis and x.shape[axis] == len(order) else x
        return x

    return each(leaves, moved)
