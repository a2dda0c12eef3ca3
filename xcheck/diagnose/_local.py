"""What is wrong in one place only: an output, a block of parameters, an example, a few entries, a diagonal."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from xcheck._judge import LIMIT, distance
from xcheck._reference import Leaf
from xcheck.diagnose._hypothesis import Candidate, Evidence, Leaves, candidate, exactly
from xcheck.diagnose._relatives import example_gradients


def damping(evidence: Evidence, leaves: Leaves) -> Iterator[Candidate]:
    """`A = R + lambda I`; for a diagonal, the same number in every entry."""
    matrix = evidence.quantity.shape == "p p"
    if not matrix and not evidence.quantity.name.endswith("diagonal"):
        return
    (path, leaf), *_ = leaves.items()
    difference = evidence.actual[path] - leaf.value
    entries, scale = (np.diag(difference), np.diag(leaf.scale)) if matrix else (difference, leaf.scale)
    if len(entries) < (2 if matrix else 3):  # any two numbers with their places exchanged and the sign look so
        return
    # The entry of the smallest scale shows the number that was added with the smallest rounding error.
    added = float(entries[np.argmin(scale)])
    where = np.eye(len(entries)) if matrix else np.ones(len(entries))
    text = f"has {added:.3g} added to {'the diagonal' if matrix else 'each entry'} (damping)"
    damped = Leaf(leaf.value + added * where, leaf.low, leaf.radius, leaf.scale + abs(added) * where)
    yield candidate("damping", text, {path: damped}, added)


def offset(evidence: Evidence, leaves: Leaves) -> Iterator[Candidate]:
    """The same number added to every entry."""
    for path, leaf in leaves.items():
        if leaf.value.size > 2 and len(leaves) == 1:
            added = float(np.ravel(evidence.actual[path] - leaf.value)[np.argmin(leaf.scale)])
            moved = Leaf(leaf.value + added, leaf.low, leaf.radius, leaf.scale + abs(added))
            yield candidate("offset", f"has {added:.3g} added to every entry", {path: moved}, added)


def dropped_example(evidence: Evidence, leaves: Leaves) -> Iterator[Candidate]:
    """A sum over the examples without one of them, or with one counted twice: for quantities that J and f determine."""
    terms = per_example_terms(evidence)
    if terms is None or set(leaves) != {""}:
        return
    leaf, A = leaves[""], evidence.actual[""]
    difference = np.ravel(A - leaf.value)
    # The term that is most parallel to the difference is the suspect; both signs are tried.
    flat = terms.reshape(len(terms), -1)
    sizes = np.sqrt(np.sum(flat * flat, axis=1))
    match = np.divide(flat @ difference, sizes, out=np.zeros_like(sizes), where=sizes > 0)
    k = int(np.argmax(np.abs(match)))
    for sign, said in ((-1.0, "misses"), (1.0, "counts twice")):
        value = leaf.value + sign * terms[k]
        text = f"{said} example {k} of {len(terms)}"
        yield candidate("dropped_example", text, {"": exactly(value, leaf.scale + np.abs(terms[k]))}, k)


def per_example_terms(evidence: Evidence) -> np.ndarray | None:
    """`r grad l_n`, the terms of the gradient."""
    f, loss, g = evidence.lone("value"), evidence.case.loss, example_gradients(evidence)
    if evidence.quantity.name != "gradient" or f is None or loss is None or g is None:
        return None
    return g / loss.divisor(f.value.shape)


def few_entries(evidence: Evidence, leaves: Leaves) -> Iterator[Candidate]:
    """At most eight entries are wrong, and fewer than half of those that are not 0 in truth."""
    wrong = wrong_entries(evidence, leaves)
    places = [(path, tuple(int(i) for i in index)) for path, where in wrong.items() for index in np.argwhere(where)]
    live = sum(int(np.count_nonzero(wrong[path] | (leaf.scale > 0))) for path, leaf in leaves.items())
    if not 0 < len(places) <= 8 or 2 * len(places) >= live:
        return
    said = ", ".join(f"{path}[{', '.join(map(str, index))}]" for path, index in places)
    zero = all(evidence.actual[path][index] == 0 for path, index in places)
    text = f"{len(places)} wrong entr{'y' if len(places) == 1 else 'ies'}: {said}{', zero there' if zero else ''}"
    yield candidate("few_entries", text, restored(evidence, leaves, wrong), len(places))


def examples(evidence: Evidence, leaves: Leaves) -> Iterator[Candidate]:
    """Some examples are wrong, fewer than half."""
    if not evidence.axes("n"):
        return
    wrong = wrong_entries(evidence, leaves)
    rows = np.any([np.any(where.reshape(len(where), -1), axis=1) for where in wrong.values()], axis=0)
    count = int(rows.sum())
    if count > 0 and 2 * count < len(rows):
        zero = all(not np.any(evidence.actual[path][rows]) for path in leaves)
        said = ", ".join(str(k) for k in np.flatnonzero(rows)[:6]) + (", ..." if count > 6 else "")
        text = f"{'misses' if zero else 'is wrong in'} {count} example{'s' * (count > 1)}: {said}"
        yield candidate("dropped_example" if zero else "wrong_examples", text, restored(evidence, leaves, wrong), count)


def blocks(evidence: Evidence, leaves: Leaves) -> Iterator[Candidate]:
    """Only some blocks of parameters are wrong, at most half."""
    axes, wrong = evidence.axes("p"), wrong_entries(evidence, leaves)
    if not axes or len(evidence.blocks) < 2:
        return
    touched = []
    for name, block in evidence.blocks.items():
        hit = [where for where in wrong.values() if np.any(np.take(where, np.r_[block], axis=axes[-1]))]
        touched += [name] if hit else []
    if 0 < 2 * len(touched) <= len(evidence.blocks):
        zero = all(
            not np.any(np.take(evidence.actual[path], np.r_[evidence.blocks[name]], axis=axes[-1]))
            for path in leaves
            for name in touched
        )
        text = f"is {'zero (detached?)' if zero else 'wrong'} in the block of {', '.join(touched)} only"
        yield candidate("wrong_block", text, restored(evidence, leaves, wrong), ", ".join(touched))


def wrong_entries(evidence: Evidence, leaves: Leaves) -> dict[str, np.ndarray]:
    """Where each leaf is beyond the limit."""
    return {path: distance(evidence.actual[path], leaf, evidence.dtype).units > LIMIT for path, leaf in leaves.items()}


def restored(evidence: Evidence, leaves: Leaves, wrong: dict[str, np.ndarray]) -> Leaves:
    """The leaves with the result's own numbers where it is wrong: what is left must agree."""
    return {
        path: Leaf(
            value=np.where(wrong[path], evidence.actual[path], leaf.value),
            low=np.where(wrong[path], 0.0, leaf.low),
            radius=np.where(wrong[path], 0.0, leaf.radius),
            scale=leaf.scale,
        )
        for path, leaf in leaves.items()
    }
