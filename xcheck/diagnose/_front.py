"""judge and check: from what an implementation returned to a Verdict."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

from xcheck import _checks, _guard, _reference
from xcheck._arguments import function, of_kind, one_of
from xcheck._convention import to_our_axes, to_our_numbers
from xcheck._dtypes import UNIT, check_dtype
from xcheck._errors import Mismatch, NoReference
from xcheck._judge import LIMIT, Arrays, Verdict, compare, distance
from xcheck._message import message
from xcheck._receive import Refused, receive, shown
from xcheck._reference import Reference
from xcheck.case import Case
from xcheck.diagnose._hypothesis import Evidence, Related, sizes
from xcheck.diagnose._search import explained
from xcheck.quantity import FRAMEWORKS, Quantity
from xcheck.result import Convention, Outcome


def judge(
    actual: Any,
    case: Case | str,
    quantity: Quantity | str,
    *,
    dtype: str,
    framework: str | None = None,
    convention: Convention | None = None,
    normwise: bool = False,
    reference: Reference | None = None,
    reproduce: str | None = None,
    related: Related | None = None,
) -> Verdict:
    """Whether `actual` is the quantity at the case, in units of its honest rounding error, and what is wrong if not.

    Args:
        actual: an array, or a dict of path to array, of NumPy, torch or JAX, of dtype `dtype`.
        case, quantity: objects or names.
        framework: whose convention holds where the case sits on a kink.
        convention: how these numbers relate to ours; applied before the comparison.
        normwise: whether the algorithm is only normwise stable (Winograd, FFT): ratio_F alone decides.
        reference: what to compare with, if not the stored one.
        reproduce: the line that reproduces the result, if not this call.
        related: gives the case's other references by quantity, for the diagnosis; the stored ones if not given.

    Raises:
        UsageError: an unknown name or dtype, or a convention that cannot be applied.

    >>> import numpy as np
    >>> from xcheck._reference import Leaf, Reference
    >>> R, zero = np.array([1.0, 3.0]), np.zeros(2)
    >>> truth = Reference("linear_gaussian", "gradient", "float64", {"": Leaf(R, zero, zero, R)}, float("inf"))
    >>> bool(judge(R, "linear_gaussian", "gradient", dtype="float64", reference=truth))
    True
    """
    check_dtype(dtype)
    if framework is not None:
        one_of("framework", framework, FRAMEWORKS)
    of_kind("convention", convention, (Convention, type(None)), "an xcheck.Convention")
    of_kind("reference", reference, (Reference, type(None)), "an xcheck.Reference")
    of_kind("reproduce", reproduce, (str, type(None)), "text")
    if related is not None:
        function("related", related)
    case, quantity = _reference.find_case(case), _reference.find_quantity(quantity)
    if reference is None:
        try:
            reference = _guard.reference(case, quantity, dtype=dtype, framework=framework)
        except NoReference as error:
            reason = str(error)
            return Verdict(
                Outcome.NO_REFERENCE,
                reason=reason,
                text=f"no_reference: {case.name}/{quantity.name} in {dtype}: {reason}",
            )
    others = related or _others(case, dtype, framework)
    call = f"xcheck.judge(actual, {case.name!r}, {quantity.name!r}, dtype={dtype!r})"
    reproduce = reproduce or call
    try:
        _demand_margin(reference, dtype)
        arrays = _ours(actual, case, quantity, reference, dtype, convention or Convention(), others)
    except Refused as refused:
        verdict = Verdict(refused.outcome, reason=refused.reason)
        return replace(verdict, text=message(verdict, reference, dtype, reproduce, None))
    verdict = compare(arrays, reference, dtype, normwise)
    if verdict.outcome is Outcome.DISAGREES:
        verdict = replace(verdict, diagnosis=explained(Evidence(arrays, reference, dtype, case, quantity, others)))
    verdict = replace(verdict, checks={**verdict.checks, **_lines(arrays, quantity, reference, dtype, verdict)})
    path = verdict.worst.path if verdict.worst else ""
    worst = distance(arrays[path], reference.leaves[path], dtype, normwise) if verdict.worst else None
    return replace(verdict, text=message(verdict, reference, dtype, reproduce, worst))


def check(actual: Any, case: Case | str, quantity: Quantity | str, *, dtype: str, **options: Any) -> Verdict:
    """`judge`, raising where the result does not agree or cannot be judged; the options are those of `judge`.

    Raises:
        Mismatch: an AssertionError with the full message.
        NoReference: there is nothing to judge by; the message says why.
    """
    return agreed(judge(actual, case, quantity, dtype=dtype, **options))


def agreed(verdict: Verdict) -> Verdict:
    """The verdict itself, where it is that the result agrees: what was not judged has not passed.

    Raises:
        Mismatch, NoReference: as `check`.
    """
    if verdict.outcome is Outcome.NO_REFERENCE:
        raise NoReference(verdict.text)
    if not verdict:
        raise Mismatch(verdict.text)
    return verdict


def _others(case: Case, dtype: str, framework: str | None) -> Related:
    """The case's other references, where they exist; none is made for a diagnosis."""

    @cache
    def related(name: str) -> Reference | None:
        if name not in case.quantities or _reference.missing(case, _reference.find_quantity(name), dtype):
            return None
        return _reference.reference(case, name, dtype=dtype, framework=framework)

    return related


def _demand_margin(reference: Reference, dtype: str) -> None:
    """A comparison that honest rounding may flip leaves nothing to judge by."""
    if reference.margin <= LIMIT * UNIT[dtype]:
        raise Refused(
            Outcome.NO_REFERENCE,
            f"the program comes within {reference.margin / UNIT[dtype]:.3g} u of a branch (limit {LIMIT:g} u), "
            f"so an honest {dtype} computation may take the other side",
        )


def _ours(
    actual: Any,
    case: Case,
    quantity: Quantity,
    reference: Reference,
    dtype: str,
    convention: Convention,
    others: Related,
) -> dict[str, Any]:
    """The result as float64 leaves in our convention, of the reference's paths and shapes."""
    arrays = receive(actual, list(reference.leaves), dtype)
    for path, leaf in reference.leaves.items():
        A, kept = to_our_axes(arrays[path], convention.axes), reference.examples
        expected = leaf.value.shape if kept is None else (case.n, *leaf.value.shape[1:])
        if A.shape != expected:
            raise Refused(
                Outcome.WRONG_SHAPE,
                f"{shown(path)} has shape {A.shape}, expected {expected}, "
                f"the axes ({quantity.shape.replace(' ', ', ')})",
            )
        A = A if kept is None else A[list(kept)]
        arrays[path] = to_our_numbers(A, case, quantity, convention, lambda: sizes(case, others))
    return arrays


def _lines(arrays: Arrays, quantity: Quantity, reference: Reference, dtype: str, verdict: Verdict) -> dict[str, str]:
    """The separate lines that a quantity asks for."""
    if verdict.outcome is Outcome.NOT_FINITE:
        return {}
    wanted = {"symmetry": (_checks.symmetry, quantity.symmetric), "psd": (_checks.positive_semidefinite, quantity.psd)}
    return {
        name: line(arrays[path], leaf, dtype)
        for name, (line, asked) in wanted.items()
        for path, leaf in reference.leaves.items()
        if asked
    }
