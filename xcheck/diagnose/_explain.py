"""The search for an explanation: one cause, then one inside the program, then two, then one place, then precision.

Where there is none, the size of the error is said and where it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from xcheck._judge import LIMIT, distance, fits, rounding_scale
from xcheck.diagnose import _factors, _local, _numbers, _orders, _parts, _relatives
from xcheck.diagnose._batches import batches
from xcheck.diagnose._differences import finite_difference
from xcheck.diagnose._hypothesis import Candidate, Evidence, Hypothesis, Leaves, various
from xcheck.diagnose._local import wrong_entries
from xcheck.diagnose._precision import reproduced, stored_in
from xcheck.diagnose._programs import programs
from xcheck.diagnose._unexplained import unexplained
from xcheck.result import Explanation

PLACES: tuple[Hypothesis, ...] = (
    _orders.layout, _orders.parameters, _orders.one_weight, _orders.outputs, _orders.examples,
    _orders.rows,
)  # fmt: skip
RELATIVES: tuple[Hypothesis, ...] = (
    _relatives.another_quantity, _relatives.products, _relatives.diagonals, _relatives.from_jacobian,
    _numbers.traces, _numbers.along_tangent, _numbers.of_ones, _parts.matrix_parts, _parts.across,
    _parts.functions,
)  # fmt: skip
ADDED: tuple[Hypothesis, ...] = (_local.damping, _local.offset, _local.dropped_example)
LOCAL: tuple[Hypothesis, ...] = (_local.few_entries, _local.examples, _local.blocks)
#: Numbers without a name are claimed only where nothing with a name fits.
WEAK = ("scaled", "offset")


def explain(evidence: Evidence) -> tuple[Explanation, ...]:
    """What is wrong, the strongest explanation first; those that coincide on the case are all there."""
    finite = all(np.all(np.isfinite(leaf.value)) for leaf in evidence.reference.leaves.values())
    return (search(evidence) if finite else ()) or (unexplained(evidence),)


def search(evidence: Evidence) -> tuple[Explanation, ...]:
    """What explains the error; empty where nothing does."""
    whole = evidence.reference.leaves
    single = accepted(evidence, whole, one(evidence, whole))
    strong = tuple(explanation for explanation in single if not explanation.name.endswith(WEAK))
    scaled = tuple(explanation for explanation in single if explanation.name == "scaled")
    return (
        strong
        or tuple(finite_difference(evidence))
        or tuple(stored_in(evidence))
        or scaled
        or accepted(evidence, whole, batches(evidence, whole))
        or mistaken(evidence, whole)
        or single
        or in_some_leaves(evidence)
        or accepted(evidence, whole, two(evidence, whole))
        or accepted(evidence, whole, tried(evidence, whole, LOCAL))
        or tuple(reproduced(evidence))
    )


def mistaken(evidence: Evidence, leaves: Leaves) -> tuple[Explanation, ...]:
    """Mistakes in the program; where what is wrong are zeros and other entries of few sizes, also where they are."""
    found = accepted(evidence, leaves, programs(evidence, leaves))
    wrong = wrong_entries(evidence, leaves)
    telling = various(evidence.actual[path][wrong[path]] for path in leaves) > 2
    return found if telling or not found else (*found, *accepted(evidence, leaves, tried(evidence, leaves, LOCAL)))


def one(evidence: Evidence, leaves: Leaves) -> Iterator[Candidate]:
    yield from tried(evidence, leaves, (_factors.factor, *PLACES, *RELATIVES, *ADDED))


def two(evidence: Evidence, leaves: Leaves) -> Iterator[Candidate]:
    """Another order with a factor; another quantity with a factor or in another order."""
    for hypothesis in (*PLACES, *RELATIVES):
        for first in hypothesis(evidence, leaves):
            if unchanged(first.leaves, leaves):  # then the second cause alone has been tried already
                continue
            seconds = (_factors.factor,) if hypothesis in PLACES else (_factors.factor, *PLACES)
            for second in tried(evidence, first.leaves, seconds):
                # A number fitted after another hypothesis has chosen among many proves little by one or two sizes.
                if second.explanation.name == "scaled" and various(leaf.value for leaf in first.leaves.values()) < 3:
                    continue
                a, b = first.explanation, second.explanation
                text = f"{a.text}, and {b.text.replace('the reference', 'that')}"
                yield Candidate(Explanation(f"{a.name}+{b.name}", b.value, text), second.leaves)


def unchanged(moved: Leaves, leaves: Leaves) -> bool:
    return all(np.array_equal(moved[path].value, leaf.value) for path, leaf in leaves.items())


def tried(evidence: Evidence, leaves: Leaves, hypotheses: Iterable[Hypothesis]) -> Iterator[Candidate]:
    for hypothesis in hypotheses:
        for found in hypothesis(evidence, leaves):
            evidence.in_time()
            yield found


def accepted(evidence: Evidence, leaves: Leaves, candidates: Iterable[Candidate]) -> tuple[Explanation, ...]:
    """The candidates with which the result agrees, and which explain at least half of what is wrong."""
    found: dict[tuple[str, str], Explanation] = {}
    for explanation, expected in candidates:
        key = (explanation.name, explanation.text)
        if (
            key not in found
            and plausible(evidence, expected)
            and fits(evidence.actual, expected, evidence.dtype)
            and halved(evidence, leaves, expected)
            and (not explanation.name.endswith(WEAK) or proven(evidence, leaves))
        ):
            found[key] = explanation
    strong = [explanation for explanation in found.values() if not explanation.name.endswith(WEAK)]
    return tuple(strong or found.values())


def proven(evidence: Evidence, leaves: Leaves) -> bool:
    """Whether the wrong entries have at least three sizes: a number that is fitted to fewer proves little."""
    wrong = wrong_entries(evidence, leaves)
    return various(leaf.value[wrong[path]] for path, leaf in leaves.items()) > 2


def halved(evidence: Evidence, leaves: Leaves, expected: Leaves) -> bool:
    """Whether the worst error is halved on a scale that both share, so that a coarse scale alone explains nothing."""
    before = after = 0.0
    for path, leaf in leaves.items():
        A, other = evidence.actual[path], expected[path]
        S = np.maximum(rounding_scale(leaf, evidence.dtype), rounding_scale(other, evidence.dtype))
        live = S > 0
        before = max(before, float(np.max(np.abs(A - leaf.value)[live] / S[live], initial=0.0)))
        after = max(after, float(np.max(np.abs(A - other.value)[live] / S[live], initial=0.0)))
    return 2 * after <= before


def plausible(evidence: Evidence, expected: Leaves) -> bool:
    """A look at some 200 entries first, since most candidates fail at once."""
    for path, leaf in expected.items():
        step = max(1, leaf.value.size // 199)
        A = np.ravel(evidence.actual[path])[::step]
        few = replace(
            leaf, **{part: np.ravel(getattr(leaf, part))[::step] for part in ("value", "low", "radius", "scale")}
        )
        if distance(A, few, evidence.dtype).ratio > LIMIT:
            return False
    return True


def in_some_leaves(evidence: Evidence) -> tuple[Explanation, ...]:
    """Where only some outputs are wrong, an explanation of those alone."""
    leaves = evidence.reference.leaves
    wrong = [path for path, leaf in leaves.items() if not distance(evidence.actual[path], leaf, evidence.dtype).agrees]
    if len(wrong) == len(leaves):
        return ()
    part = replace(evidence.reference, leaves={path: leaves[path] for path in wrong})
    inside = search(replace(evidence, reference=part, actual={path: evidence.actual[path] for path in wrong}))
    if all(path.startswith("aux/") for path in wrong):
        return (
            Explanation("stale_aux", None, f"the aux is stale or detached: only {', '.join(wrong)} is wrong"),
            *inside,
        )
    where = ", ".join(wrong)
    return tuple(Explanation(e.name, e.value, f"in {where} only: {e.text}") for e in inside)
