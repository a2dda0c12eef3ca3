"""Another number in place of the one asked for: a trace, a derivative along the tangent, a product with ones."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from xcheck.diagnose._hypothesis import Candidate, Evidence, Leaves, candidate, exactly


def traces(evidence: Evidence, leaves: Leaves) -> Iterator[Candidate]:
    """For tr H: the trace of the GGN, or the sum of all entries of H, `1 . H 1`."""
    if evidence.quantity.name != "hessian_trace":
        return
    G, H = evidence.lone("ggn_diagonal"), evidence.lone("hessian_params")
    if G is not None:
        text = "is the trace of the GGN, not of the Hessian"
        yield candidate("ggn_trace", text, {"": exactly(np.sum(G.value), np.sum(G.scale))})
    if H is not None:
        text = "is the sum of all entries of the Hessian, not its trace"
        yield candidate("sum_of_entries", text, {"": exactly(np.sum(H.value), np.sum(H.scale))})


def along_tangent(evidence: Evidence, leaves: Leaves) -> Iterator[Candidate]:
    """For the third derivative along v: the second one, `v . H v`."""
    Hv = evidence.lone("hvp")
    if evidence.quantity.name != "third_derivative" or Hv is None:
        return
    v = evidence.case.vector("params", (evidence.case.p,), evidence.dtype)
    second = {"": exactly(v @ Hv.value, np.abs(v) @ Hv.scale)}
    yield candidate("second_derivative", "is the second derivative along the tangent, not the third", second)


def of_ones(evidence: Evidence, leaves: Leaves) -> Iterator[Candidate]:
    """For `J v` and `w . J`: with a vector of ones."""
    J, asked = evidence.lone("jacobian_params"), evidence.quantity.name
    if asked not in ("jvp", "vjp") or J is None or set(leaves) != {""}:
        return
    axes, said = ((2,), "J times a vector of ones") if asked == "jvp" else ((0, 1), "a vector of ones times J")
    shape = leaves[""].value.shape
    value, scale = (np.sum(x, axis=axes) for x in (J.value, J.scale))
    if value.size == leaves[""].value.size:
        yield candidate("wrong_vector", f"is {said}", {"": exactly(value.reshape(shape), scale.reshape(shape))})
